"""The sentences for a connection that fails."""

from __future__ import annotations

import socket
import ssl

from edged.camera.http.connection import Woken
from edged.errors import text_of
from edged.peer_text import peer_text

__all__ = ["reason_of"]

NOT_YET_VALID, EXPIRED, OTHER_HOST, OTHER_ADDRESS = 9, 10, 62, 64  # openssl/x509_vfy.h: X509_V_ERR_*


def reason_of(failure: Exception, host: str, timeout: float) -> str:
    """Return what happened, where *host* was to answer within *timeout* seconds."""
    match failure:
        case Woken():
            return "told to stop"
        case TimeoutError():
            return f"no answer within {timeout:g} s"
        case ConnectionRefusedError():
            return "nobody listens there"
        case socket.gaierror():
            return f"the name {host} is not known: {failure.strerror}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {_with_cure(failure, host)}"
        case ssl.SSLError():
            return f"no encrypted connection can be made: {failure.reason}"
        case MemoryError():
            return "there is not enough memory for what it sends"
        case _:
            return text_of(failure)


def _with_cure(failure: ssl.SSLCertVerificationError, host: str) -> str:
    """Return what is wrong with a certificate and what helps, which is another thing for each fault."""
    clock = "set the clock of this machine if that is wrong"
    other_host = f"write the name that it is for into the URL, or give the camera a certificate for {host}"
    cures = {
        EXPIRED: f"renew it in the camera, or {clock}",
        NOT_YET_VALID: f"{clock}, or that of the camera and renew its certificate",
        OTHER_HOST: other_host,
        OTHER_ADDRESS: other_host,
    }
    untrusted = "set verify_tls: false to take any, or let this machine trust it (SSL_CERT_FILE)"
    cure = cures.get(failure.verify_code, untrusted)
    return f"{peer_text(failure.verify_message).rstrip('.')}: {cure}"
