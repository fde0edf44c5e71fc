"""Certificates that an authority of the test's own has signed, for any host and any time."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

__all__ = ["Signed", "signed"]

CONFIG = """\
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """Files of PEM: the authority's own certificate, and the certificate of a camera with its key."""

    authority: Path
    camera: Path


def signed(folder: Path, host: str = "IP:127.0.0.1", *, begins_in_days: float = -1, ends_in_days: float = 1) -> Signed:
    """A certificate for *host*, as ``subjectAltName`` has it, in *folder*, which is empty."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    (folder / "ca.conf").write_text(CONFIG)
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    (folder / "names").write_text(f"subjectAltName={host}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")

    def run(*command: str) -> None:
        subprocess.run([openssl, *command], check=True, capture_output=True, cwd=folder)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    use = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 asks for it
    run("req", "-x509", *new, *use, "-days", "9", "-subj", "/CN=own", "-keyout", "ca.key", "-out", "ca.pem")
    run("req", *new, "-subj", "/CN=camera", "-keyout", "camera.key", "-out", "camera.csr")
    times = [f"{datetime.now(UTC) + timedelta(days=days):%Y%m%d%H%M%SZ}" for days in (begins_in_days, ends_in_days)]
    run(
        "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "camera.csr",
        "-startdate", times[0], "-enddate", times[1], "-extfile", "names", "-out", "camera.crt",
    )  # fmt: skip
    camera = folder / "camera.pem"
    camera.write_bytes((folder / "camera.key").read_bytes() + (folder / "camera.crt").read_bytes())
    return Signed(folder / "ca.pem", camera)
