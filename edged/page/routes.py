"""What each request gets, by its method, path and fields. Pure but for the files of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from edged.page.gate import AccessGate, Login, Role, read_authorization
from edged.page.http import PageResponse, Request, json_response, text_response
from edged.page.static_files import StaticFiles
from edged.values import NAME_PATTERN

__all__ = ["CheckPassword", "OpenWebSocket", "Route", "Routes", "SendPicture"]

_CAMERA = re.compile(rf"/cameras/({NAME_PATTERN})\.jpg", re.ASCII)
DEFAULT_WIDTH = 640


@dataclass(frozen=True, slots=True)
class OpenWebSocket:
    """The request opens a WebSocket with the rights of ``role``."""

    role: Role


@dataclass(frozen=True, slots=True)
class SendPicture:
    """The request gets a picture of a camera."""

    camera: str
    width: int


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """The request may be granted if the password in it is right: `Routes.grant` goes on then."""

    login: Login


Route: TypeAlias = PageResponse | OpenWebSocket | SendPicture | CheckPassword


class Routes:
    """Routes requests that come in through *gate*. *with_passwords*: whether what is not a token may be a password."""

    def __init__(self, gate: AccessGate, files: StaticFiles, *, with_passwords: bool) -> None:
        self._gate = gate
        self._files = files
        self._with_passwords = with_passwords

    def route(self, request: Request, local: str, now: float) -> Route:
        """Return what *request* gets, which came in at the address *local* at *now*, in seconds since 1970."""
        if (refusal := self._refusal(request, local)) is not None:
            return refusal
        cookie_role = self._gate.role_of_cookies(request.field("cookie"), now)
        if request.path == "/ws":
            return self._websocket(request, cookie_role)
        if request.path != "/session" and not request.path.startswith("/cameras/"):
            return self._files.answer(request)
        login = read_authorization(request.field("authorization"))
        if login is None:
            if cookie_role is None or request.field("authorization"):
                return _unauthorized()
            return self._page_of(request, cookie_role)
        role = self._gate.role_of_token(login.secret)
        if role is not None:
            return self.grant(request, role, now)
        return CheckPassword(login) if self._with_passwords else _unauthorized()

    def grant(self, request: Request, role: Role | None, now: float) -> Route:
        """Return what *request* gets, which has shown a token or password of *role*; None: a wrong one."""
        if role is None:
            return _unauthorized()
        if request.path == "/session":
            left_behind = self._gate.removals(request.field("cookie"))
            return json_response({"role": role}, [self._gate.cookie(role, now), *left_behind])
        return self._page_of(request, role)

    def _refusal(self, request: Request, local: str) -> PageResponse | None:
        host, origin = request.field("host"), request.fields.get("origin")
        if not self._gate.admits_host(host, local):
            text = "this page is not known under that name: use localhost, or start 'edged page' with --host NAME"
            return text_response(HTTPStatus.MISDIRECTED_REQUEST, text)
        if request.method != "GET":
            return text_response(HTTPStatus.METHOD_NOT_ALLOWED, fields={"Allow": "GET"})
        if origin is not None and not self._gate.admits_origin(origin, host):
            return text_response(HTTPStatus.FORBIDDEN, "the request comes from another page")
        return None

    def _websocket(self, request: Request, role: Role | None) -> Route:
        if "origin" not in request.fields:
            return text_response(HTTPStatus.FORBIDDEN, "the field Origin is missing")
        if role is None:
            return _unauthorized()
        if request.field("upgrade").lower() != "websocket":
            return text_response(HTTPStatus.UPGRADE_REQUIRED, fields={"Upgrade": "websocket"})
        return OpenWebSocket(role)

    def _page_of(self, request: Request, role: Role) -> Route:
        if request.path == "/session":
            return json_response({"role": role})
        camera = _CAMERA.fullmatch(request.path)
        width = request.query.get("width", str(DEFAULT_WIDTH))
        if camera is None or not re.fullmatch("[0-9]{2,4}", width, re.ASCII) or not 64 <= int(width) <= 1920:
            return text_response(HTTPStatus.NOT_FOUND, "a picture is /cameras/NAME.jpg, with ?width=64 to 1920")
        return SendPicture(camera[1], int(width))


def _unauthorized() -> PageResponse:
    # Not Basic, for which browsers would show a dialog of their own.
    return text_response(HTTPStatus.UNAUTHORIZED, fields={"WWW-Authenticate": "Bearer"})
