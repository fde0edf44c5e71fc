"""Cameras whose certificate is signed by a trusted authority, but is of another time or another host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.camera.certificates import signed
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.camera.servers import MjpegServer, serving
from tests.hostile.rig import hostile_rig

pytestmark = pytest.mark.timed

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "expired": (
        {"begins_in_days": -9, "ends_in_days": -1},
        "certificate has expired: renew it in the camera, or set the clock of this machine if that is wrong",
    ),
    "of the future": (
        {"begins_in_days": 1, "ends_in_days": 9},
        (
            "certificate is not yet valid: set the clock of this machine if that is wrong, or that of the camera and "
            "renew its certificate"
        ),
    ),
    "of another host": (
        {"host": "DNS:garden.example"},
        (
            "IP address mismatch, certificate is not valid for '127.0.0.1': write the name that it is for into the "
            "URL, or give the camera a certificate for 127.0.0.1"
        ),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_certificate_of_another_time_or_host_is_refused_with_its_cure(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, (options, reason) = tmp_path / "keys", WRONG[name]
    folder.mkdir()
    files = signed(folder, **options)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    with (
        serving(MjpegServer(certificate=str(files.camera))) as web,
        serving_rtsp(RtspServer(certificate=str(files.camera))) as rtsp,
        hostile_rig(
            tmp_path,
            cameras={
                camera: f'{{source: "{url}", retry_seconds: 0.5, retry_max_seconds: 2}}'
                for camera, url in (("web", web.url()), ("rtsp", rtsp.url()))
            },
        ) as rig,
    ):
        with rig.undisturbed(6):
            for camera in ("web", "rtsp"):
                status = rig.wait_for_state(camera, "lost")
                assert (status.reason or "").endswith(f"its certificate is not trusted: {reason}"), status.reason
        assert {rig.statuses(camera)[-1].state for camera in ("web", "rtsp")} == {"lost"}
        assert 2 <= rtsp.connections <= 12, "it is tried again, with growing pauses"
        assert not web.requests
        assert not rtsp.requests
