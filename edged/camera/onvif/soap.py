"""Requests to an ONVIF service: SOAP 1.2 over HTTP, signed with user and password, which are never sent themselves."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.auth import authorization
from edged.camera.http.connection import HttpConnection, tls_context
from edged.camera.http.content import read_content
from edged.camera.http.exchange import Response, read_response
from edged.camera.onvif.xml import LONGEST_XML, Element, read_xml
from edged.errors import SourceError, map_exceptions
from edged.peer_text import peer_text

__all__ = ["NotAuthorizedError", "Soap"]

_ENVELOPE = """\
<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{header}<s:Body>{body}</s:Body></s:Envelope>"""
_SIGNATURE = """\
<s:Header><Security s:mustUnderstand="1"
 xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><UsernameToken>
<Username>{user}</Username><Password
 Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest">{digest}</Password>
<Nonce EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary">{nonce}</Nonce>
<Created xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">{created}</Created>
</UsernameToken></Security></s:Header>"""


class NotAuthorizedError(SourceError):
    """The camera wants another user or password, or one at all."""


class Soap:
    """Asks the services of one camera.

    Args:
        user, password: None and empty for nobody.
        bell: ends every wait once it rings.
        deadline: of all requests together, on the monotonic clock.
    """

    def __init__(self, user: str | None, password: str, bell: Bell, deadline: float) -> None:
        self._user = user
        self._password = password
        self._bell = bell
        self._deadline = deadline
        self._ahead = timedelta()  # of the camera's clock, which the signature has to agree with

    def set_clock(self, camera_time: datetime) -> None:
        """Sign with the camera's clock, which shows *camera_time* now."""
        self._ahead = camera_time - datetime.now(UTC)

    def ask(self, service: Address, body: str, *, signed: bool = True) -> Element:
        """Return the body of the answer to the request *body*.

        Raises:
            NotAuthorizedError: user and password are wrong or missing.
            SourceError: it refuses otherwise, or its answer makes no sense.
            OSError: it does not answer.
        """
        header = self._token() if signed and self._user is not None else ""
        content = _ENVELOPE.format(header=header, body=body).encode()
        response, answer = self._post(service, content, None)
        if response.status == 401 and self._user is not None:
            asking = Address(service.scheme, service.host, service.port, service.target, self._user, self._password)
            digest = authorization(response.headers.all("WWW-Authenticate"), asking, method="POST")
            if digest is not None and digest.startswith("Digest"):  # Basic would give the password away
                response, answer = self._post(service, content, digest)
        if response.status == 401:
            raise NotAuthorizedError("it asks for a user and password that it knows")
        with map_exceptions({ValueError: SourceError}):
            envelope = read_xml(answer)
        fault = next(envelope.all("Fault"), None)
        if fault is not None:
            reason = fault.get("Reason", "Text") or fault.get("faultstring") or "no reason"
            if any("NotAuthorized" in value.text for value in fault.all("Value")) or "authoriz" in reason.lower():
                raise NotAuthorizedError("it asks for a user and password that it knows")
            raise SourceError(f"it refuses: {peer_text(reason)}")
        return next(envelope.all("Body"), envelope)

    def _post(self, service: Address, content: bytes, credentials: str | None) -> tuple[Response, bytes]:
        lines = [
            f"POST {service.target} HTTP/1.1",
            f"Host: {service.host_header}",
            "User-Agent: edged",
            "Content-Type: application/soap+xml; charset=utf-8",
            f"Content-Length: {len(content)}",
            "Connection: close",
        ]
        if credentials is not None:
            lines.append(f"Authorization: {credentials}")
        # Cameras sign their certificates themselves; nothing secret is sent.
        tls = tls_context(verify=False) if service.is_encrypted else None
        connection = HttpConnection(service, tls, self._bell, self._deadline)
        try:
            connection.send("\r\n".join([*lines, "", ""]).encode() + content, self._deadline)
            response = read_response(service, connection, self._deadline)
            return response, read_content(response, LONGEST_XML, self._deadline)[0]
        finally:
            connection.close()

    def _token(self) -> str:
        nonce = secrets.token_bytes(16)
        created = (datetime.now(UTC) + self._ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = hashlib.sha1(nonce + created.encode() + self._password.encode(), usedforsecurity=False).digest()
        return _SIGNATURE.format(
            user=escape(self._user or ""),
            digest=base64.b64encode(signed).decode(),
            nonce=base64.b64encode(nonce).decode(),
            created=created,
        )
