"""Address and credentials of an MQTT broker: ``mqtt://user@host:1883``, a password, and TLS files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from edged.errors import map_exceptions

__all__ = ["Broker"]

RULE = "must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT], with USER@ before the host where the broker wants one"
PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Broker:
    """Address and credentials. ``tls`` is None where the connection is in clear."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @classmethod
    def parse(
        cls,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        cert_file: str | None = None,
        key_file: str | None = None,
    ) -> Broker:
        """Return the broker at *url*; with ``mqtts`` its certificate is checked, against *ca_file* if one is given.

        Raises:
            ValueError: *url* is not the URL of a broker or holds a password, or a TLS file cannot be used.
        """
        # No error repeats the URL, because it may hold a password.
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
            (host or "").encode("idna")  # as a thread does later that does not expect it to fail
        except ValueError:
            raise ValueError(RULE) from None
        if scheme not in PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(RULE)
        if parts.password is not None:
            raise ValueError(
                "must not hold a password, which every user of this machine could see there: set EDGED_MQTT_PASSWORD, "
                "or the credential mqtt-password"
            )
        files = ca_file, cert_file, key_file
        if scheme == "mqtt" and any(files):
            raise ValueError("TLS files go with mqtts://")
        username = username or (unquote(parts.username) if parts.username else None)
        if password is not None and username is None:
            raise ValueError("a password needs a user: USER@ before the host, or EDGED_MQTT_USERNAME")
        tls = _tls(*files) if scheme == "mqtts" else None
        return cls(host, port or PORTS[scheme], username, password, tls)


def _tls(ca_file: str | None, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    if key_file and not cert_file:
        raise ValueError("a client's key needs its certificate")
    with map_exceptions({OSError: ValueError}, f"{ca_file}: holds no certificates that can be used"):
        context = ssl.create_default_context(cafile=ca_file)
    if cert_file:
        where = f"{cert_file}: cannot be used with {key_file or 'the key in it'}"
        with map_exceptions({OSError: ValueError, ValueError: ValueError}, where):
            context.load_cert_chain(cert_file, key_file, password="")  # so that OpenSSL does not ask on the terminal
    return context
