"""One resource of a web server, asked for again and again over one connection."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Sequence

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.auth import authorization
from edged.camera.http.connection import HttpConnection
from edged.camera.http.content import read_content
from edged.camera.http.exchange import HttpError, Response, read_response
from edged.camera.http.redirects import MOST_REDIRECTIONS, REDIRECTIONS, Follow, redirected
from edged.errors import map_exceptions

__all__ = ["PolledResource"]

LONGEST_TAG = 200
_TAG = re.compile(r'(?:W/)?"[!#-~]*"', re.ASCII)


class PolledResource:
    """The resource at *origin*; ``content`` is what it was when it was fetched last.

    The connection stays open between two fetches where the server lets it, and the server is asked for the content only
    if that has changed. Redirections, user and password are as for `get`.

    Args:
        bell: ends every wait once it rings.
        largest: bytes of the content at most.
        on_ask: gets each address before it is asked.
    """

    def __init__(
        self,
        origin: Address,
        tls: Callable[[], ssl.SSLContext],
        follow: Follow,
        bell: Bell,
        largest: int,
        on_ask: Callable[[Address], object] = lambda _: None,
    ) -> None:
        self.content = b""
        self._origin = origin
        self._tls = tls
        self._follow = follow
        self._bell = bell
        self._largest = largest
        self._on_ask = on_ask
        self._connection: HttpConnection | None = None
        self._place: tuple[str, str, int] = ("", "", 0)  # scheme, host and port that the connection leads to
        self._challenges: Sequence[str] = ()
        self._tag = ""

    def fetch(self, deadline: float) -> Response:
        """Ask once, and return the answer, whose body has been read; ``content`` is new where its status is 200.

        Raises:
            OSError, Woken: as `get`.
        """
        address, is_refused = self._origin, False
        for _ in range(MOST_REDIRECTIONS + 1):
            response = self._ask(address, deadline)
            location = response.headers.get("Location")
            if response.status in REDIRECTIONS and location:
                self._read(response, deadline)
                with map_exceptions({ValueError: HttpError}):
                    address, is_refused = redirected(self._origin, address, location, self._follow), False
            elif response.status == 401 and address.user is not None and not is_refused:
                self._read(response, deadline)
                self._challenges, is_refused = response.headers.all("WWW-Authenticate"), True
                if authorization(self._challenges, address) is None:
                    return response
            else:
                content = self._read(response, deadline)
                if response.status == 200:
                    self.content, self._tag = content, _tag(response)
                return response
        raise HttpError("it is redirected again and again")

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, address: Address, deadline: float) -> Response:
        self._on_ask(address)
        request = self._request(address)
        place = (address.scheme, address.host, address.port)
        if self._connection is not None and self._place == place:
            try:
                return self._exchange(self._connection, address, request, deadline)
            except TimeoutError:
                raise
            except OSError:  # a server may close a connection that waits, at any moment
                pass
        self.close()
        tls = self._tls() if address.scheme == "https" else None
        self._connection, self._place = HttpConnection(address, tls, self._bell, deadline), place
        return self._exchange(self._connection, address, request, deadline)

    def _exchange(self, connection: HttpConnection, address: Address, request: bytes, deadline: float) -> Response:
        try:
            connection.send(request, deadline)
            return read_response(address, connection, deadline)
        except BaseException:
            self.close()
            raise

    def _request(self, address: Address) -> bytes:
        lines = [
            f"GET {address.target} HTTP/1.1",
            f"Host: {address.host_header}",
            "User-Agent: edged",
            "Accept: */*",
            "Accept-Encoding: identity",
        ]
        credentials = authorization(self._challenges, address) if address.user is not None else None
        if credentials is not None:
            lines.append(f"Authorization: {credentials}")
        if self._tag:
            lines.append(f"If-None-Match: {self._tag}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _read(self, response: Response, deadline: float) -> bytes:
        """Return the whole content of the answer; the connection is kept where that is possible."""
        try:
            content, is_framed = read_content(response, self._largest, deadline)
        except BaseException:
            self.close()
            raise
        if not is_framed or response.headers.get("Connection").lower() == "close":
            self.close()
        return content


def _tag(response: Response) -> str:
    tag = response.headers.get("ETag")
    return tag if len(tag) <= LONGEST_TAG and _TAG.fullmatch(tag) else ""
