"""The section ``metrics``: figures over HTTP, for Prometheus and for checks of edged's health."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from edged.config.problems import shown
from edged.config.sections.fields import Read, Section, misfit, several

__all__ = ["HttpAddress", "MetricsConfig"]

_PARTS = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+):(?P<port>\*|[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """The address of an HTTP server. ``host`` is an IP address of either version; port 0 is any that is free."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """True where only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port or '*'}"

    @classmethod
    def parse(cls, text: str, _: Path = Path()) -> HttpAddress:
        """Return the address that *text* is, such as ``127.0.0.1:9464``, ``[::1]:9464`` or ``localhost:*``.

        Raises:
            ValueError: *text* is not such an address.
        """
        parts = _PARTS.fullmatch(text)
        host = parts["host"].strip("[]") if parts else ""
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            address = None
        if parts is None or address is None or (address.version == 6) is not parts["host"].startswith("["):
            raise ValueError(
                "must be an IP address of this machine and a port, such as 127.0.0.1:9464 or '[::1]:9464' "
                f"(got {shown(text)})"
            )
        if parts["port"] != "*" and not 1 <= int(parts["port"]) <= 65535:
            raise ValueError(f"must have a port in 1…65535, or * for any that is free (got {shown(text)})")
        return cls(str(address), 0 if parts["port"] == "*" else int(parts["port"]))


HOST_PATTERN = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?"


def _check_host(name: str) -> str:
    if not re.fullmatch(HOST_PATTERN, name):
        raise ValueError(f"must be the name of a host, such as board.example.org, without a port (got {shown(name)})")
    return name


HostName = Annotated[str, AfterValidator(_check_host), Field(json_schema_extra={"pattern": f"^{HOST_PATTERN}$"})]


class MetricsConfig(Section):
    """Figures over HTTP: /metrics for Prometheus, and /healthz and /readyz for checks of edged's health."""

    listen: Annotated[HttpAddress, Read(str, HttpAddress.parse)] | None = Field(
        default=None,
        description="Address and port, such as 127.0.0.1:9464. Others than this machine may be reached by it only with "
        "insecure. null: nowhere.",
        examples=["127.0.0.1:9464"],
    )
    insecure: bool = Field(default=False, description="Allow an address that others on the network can ask.")

    hosts: Annotated[tuple[HostName, ...], several] = Field(
        default=(),
        description="More names under which it may be asked. IP addresses, localhost and the name of this machine "
        "need no entry. Others get 421, so that no web page reads it through a browser of somebody nearby.",
        examples=[["board.example.org"]],
    )

    @model_validator(mode="after")
    def _beyond_only_if_allowed(self) -> Self:
        if self.listen is not None and not self.listen.is_local and not self.insecure:
            raise misfit(
                "must stay on this machine (127.0.0.1, [::1] or localhost): elsewhere everybody on the network can ask "
                f"it, which 'insecure: true' would allow (got {shown(str(self.listen))})",
                at=("listen",),
            )
        return self
