"""The server of a camera: asked for its stream, with every failure as one sentence."""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.connection import Woken, tls_context
from edged.camera.http.exchange import Response, get
from edged.camera.http.failures import reason_of
from edged.camera.http.poll import PolledResource
from edged.camera.http.redirects import Follow, redirected
from edged.errors import SourceError, map_exceptions
from edged.peer_text import peer_text

__all__ = ["WebClient"]

REFUSALS = {
    401: "it asks for a user and password that it knows: http://USER:PASSWORD@HOST/…",
    403: "it forbids this",
    404: "it has nothing there",
    503: "it is not available now, or serves as many viewers as it can",
}


class WebClient:
    """Asks for *url*.

    Args:
        url: ``http://…`` or ``https://…``.
        timeout: the seconds that a failure names; the waits themselves are given their deadlines.
        verify_tls, follow: see `MjpegSource`.

    Raises:
        ValueError: *url* is none.
    """

    def __init__(self, url: str, timeout: float, verify_tls: bool, follow: Follow) -> None:
        self.address = Address.parse(url)
        self._asked = self.address  # last: where redirections have led
        self._timeout = timeout
        self._verify_tls = verify_tls
        self._follow = follow

    def ask(
        self, bell: Bell, deadline: float, *, at: Address | None = None, begin: int = 0, end: int | None = None
    ) -> Response:
        """Return the answer, whose status is 200, or 206 where a range was asked for; its body's owner closes that.

        *at* is another address, to which the stream has led; *begin* and *end* are the range of the bytes, of which the
        end is not part.

        Raises:
            SourceError: there is none.
        """
        is_range = bool(begin) or end is not None
        headers = [f"Range: bytes={begin}-{'' if end is None else end - 1}"] if is_range else []
        with self.mapped_errors():
            response = get(self.address, self._tls, bell, deadline, self._follow, self._note, start=at, headers=headers)
            if response.status == (206 if is_range else 200):
                return response
            response.body.close()
            raise SourceError(self._refusal(response))

    def polled(self, bell: Bell, largest: int) -> PolledResource:
        """Return the resource at the address, of *largest* bytes at most, to be fetched again and again."""
        return PolledResource(self.address, self._tls, self._follow, bell, largest, self._note)

    def fetch(self, resource: PolledResource, deadline: float) -> Response:
        """Fetch *resource*, and return the answer, whose status is 200, or 304 where nothing has changed.

        Raises:
            SourceError: there is none.
        """
        with self.mapped_errors():
            response = resource.fetch(deadline)
            if response.status not in (200, 304):
                raise SourceError(self._refusal(response))
            return response

    def _refusal(self, response: Response) -> str:
        answer = f"{response.status} {peer_text(self.address.without_login(response.reason))}".strip()
        return f"{REFUSALS.get(response.status, 'it refuses')} (it says {answer})"

    def lead(self, here: Address, location: str) -> Address:
        """Return where *location*, which stands in a list at *here*, leads: under the same rules as a redirection.

        Raises:
            SourceError: edged does not go there.
        """
        with map_exceptions({ValueError: SourceError}, str(self.address)):
            return redirected(self.address, here, location, self._follow, "its list leads")

    def mapped_errors(self) -> AbstractContextManager[None]:
        """Raise what goes wrong with the answer as ``SourceError``, after the address."""
        return map_exceptions(
            {OSError: SourceError, Woken: SourceError, MemoryError: SourceError}, str(self.address), text=self._reason
        )

    def _note(self, asked: Address) -> None:
        self._asked = asked

    def _reason(self, exc: Exception) -> str:
        reason = reason_of(exc, self._asked.host, self._timeout)
        if str(self._asked) == str(self.address):
            return reason
        return f"redirected to {peer_text(str(self._asked))}: {reason}"

    def _tls(self) -> ssl.SSLContext:
        return tls_context(verify=self._verify_tls)
