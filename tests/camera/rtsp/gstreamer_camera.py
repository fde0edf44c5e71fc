"""An RTSP camera on this machine, made of GStreamer: ``/usr/bin/python3 gstreamer_camera.py PORT [USER PASSWORD]``.

Prints a line when it is ready. Runs in Debian's own Python, which has GStreamer's bindings.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main(port: str, user: str = "", password: str = "") -> None:
    """Serve ``rtsp://127.0.0.1:PORT/cam`` until killed: 320 × 240 pixels, 25 frames a second, H.264."""
    gi: Any = importlib.import_module("gi")
    gi.require_versions({"Gst": "1.0", "GstRtspServer": "1.0"})
    gst, rtsp, glib = (importlib.import_module(f"gi.repository.{name}") for name in ("Gst", "GstRtspServer", "GLib"))
    gst.init(None)
    server, factory = rtsp.RTSPServer(), rtsp.RTSPMediaFactory()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory.set_launch(
        "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 ! videoconvert "
        "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=5 threads=1 ! rtph264pay name=pay0 pt=96 )"
    )
    factory.set_shared(True)
    if user:
        admit(gst, rtsp, server, factory, (user, password))
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print("ready", flush=True)
    glib.MainLoop().run()


def admit(gst: Any, rtsp: Any, server: Any, factory: Any, credentials: tuple[str, str]) -> None:
    """Let only those see it who know user and password."""
    auth, token = rtsp.RTSPAuth(), rtsp.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(rtsp.RTSPAuth.make_basic(*credentials), token)
    server.set_auth(auth)
    allowed = "user,media.factory.access=(boolean)true,media.factory.construct=(boolean)true"
    role = gst.Structure.from_string(allowed)
    factory.add_role_from_structure(role[0] if isinstance(role, tuple) else role)


if __name__ == "__main__":
    main(*sys.argv[1:])
