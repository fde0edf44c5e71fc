"""The certificate of the page and its key, checked before the first browser comes."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from edged.errors import ConfigError, map_exceptions

__all__ = ["tls_context"]

log = logging.getLogger(__name__)

NOT_YET_VALID, EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
MOST_FLIGHTS = 8  # of a handshake, which has two or three


def tls_context(cert: Path, key: Path | None) -> ssl.SSLContext:
    """Return what https needs, with the chain of certificates in *cert* and the private key in *key*, or else *cert*.

    Raises:
        ConfigError: a file cannot be read, or is not that; they do not belong together; or the certificate has expired.
            One that is not valid yet is only logged, because a board that starts may not know the time yet.
    """
    for file in (cert, key):
        if file is not None:
            with map_exceptions({OSError: ConfigError}, f"{file}: cannot be read"):
                file.open("rb").close()
    trusting = _trusting(cert)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_passphrase_of(key or cert))
    except ssl.SSLError as exc:
        is_other = exc.reason == "KEY_VALUES_MISMATCH"
        rule = f"is not the key of the certificate in {cert}" if is_other else "has no private key in PEM"
        raise ConfigError(f"{key or cert}: {rule}") from exc
    _check_time(context, trusting, cert)
    return context


def _trusting(cert: Path) -> ssl.SSLContext:
    """Return a client that trusts *cert* and nothing else."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        client.load_verify_locations(cert)
    except ssl.SSLError as exc:
        raise ConfigError(f"{cert}: has no certificate in PEM") from exc
    return client


def _passphrase_of(file: Path) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise ConfigError(
            f"{file}: its key needs a passphrase, for which nobody is there: decrypt it with openssl pkey"
        )

    return refuse


def _check_time(context: ssl.SSLContext, trusting: ssl.SSLContext, cert: Path) -> None:
    """Have a client look at the certificate, in memory: Python's ssl reads no dates by itself."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = trusting.wrap_bio(to_client, to_server), context.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _ in range(MOST_FLIGHTS):
            for end in ends:
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
    except ssl.SSLCertVerificationError as exc:
        cure = "set the clock of this machine if that is wrong"
        if exc.verify_code == EXPIRED:
            raise ConfigError(f"{cert}: has expired, and browsers refuse it: renew it, or {cure}") from exc
        if exc.verify_code == NOT_YET_VALID:
            log.warning("%s: is not valid yet, and browsers refuse it until then: %s", cert, cure)
