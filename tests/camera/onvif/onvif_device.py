"""A stand-in for an ONVIF camera: it answers WS-Discovery on a network, and SOAP over HTTP, as cameras do.

``python -m tests.camera.onvif.onvif_device HOST PORT`` runs one with user ``admin`` and password ``s3cret``.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import re
import socket
import struct
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

__all__ = ["OnvifDevice"]

GROUP, PORT = "239.255.255.250", 3702
SOAP = '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">%s</s:Envelope>'
PROFILES = """<GetProfilesResponse xmlns:tt="http://www.onvif.org/ver10/schema">
<Profiles token="main&amp;1"><tt:Name>mainStream</tt:Name><tt:VideoEncoderConfiguration><tt:Encoding>H264</tt:Encoding>
<tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution>
<tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit></tt:RateControl></tt:VideoEncoderConfiguration></Profiles>
<Profiles token="sound"><tt:Name>audio only</tt:Name></Profiles></GetProfilesResponse>"""


class OnvifDevice:
    """A camera at ``host:port``.

    ``quirk`` is one of: ``digest`` (HTTP digest instead of signatures), ``basic`` (it asks for Basic), ``elsewhere``
    (its addresses are those of another host), ``hang``, ``bomb`` (entities), ``long``, ``garbage``, ``nosnapshot``,
    ``clock`` (its clock is ten hours slow).
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, password: str = "s3cret", quirk: str = "") -> None:
        self.password, self.quirk = password, quirk
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.stopping = threading.Event()
        device = self

        class Handler(_Handler):
            camera = device

        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.host, self.port = host, self.server.server_address[1]
        self._threads = [threading.Thread(target=self.server.serve_forever, args=(0.02,), name="ONVIF device")]
        self._threads[0].start()
        self._listening: socket.socket | None = None

    @property
    def service(self) -> str:
        return f"http://{self.host}:{self.port}/onvif/device_service"

    def listen(self, interface: str) -> None:
        """Answer to questions that come over *interface*."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((GROUP, PORT))
        member = struct.pack("@4s4si", socket.inet_aton(GROUP), bytes(4), socket.if_nametoindex(interface))
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        listening.settimeout(0.1)
        self._listening = listening
        self._threads.append(threading.Thread(target=self._answer, args=(listening,), name="ONVIF discovery"))
        self._threads[-1].start()

    def close(self) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        for thread in self._threads:
            thread.join()
        if self._listening is not None:
            self._listening.close()

    def match(self, question: bytes) -> bytes:
        """The answer to a question for devices."""
        found = re.search(rb"<w:MessageID>(.*?)</w:MessageID>", question)
        assert found is not None
        services = [f"http://10.9.9.9/onvif/{self.port}", "http://[fe80::1]/onvif/device_service", self.service]
        return (
            SOAP
            % f"""<s:Header><RelatesTo>{found[1].decode()}</RelatesTo></s:Header><s:Body><ProbeMatches><ProbeMatch>
            <Types>dn:NetworkVideoTransmitter</Types>
            <Scopes>onvif://www.onvif.org/hardware/X1 onvif://www.onvif.org/name/Front%20door%1b</Scopes>
            <XAddrs>{" ".join(services)}</XAddrs></ProbeMatch></ProbeMatches></s:Body>"""
        ).encode()

    def _answer(self, listening: socket.socket) -> None:
        while not self.stopping.is_set():
            with suppress(TimeoutError):
                question, sender = listening.recvfrom(65535)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answering:
                    answering.bind((self.host, 0))
                    answering.sendto(self.match(question), sender)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    camera: OnvifDevice

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Not told."""

    def do_POST(self) -> None:
        camera = self.camera
        question = self.rfile.read(int(self.headers["Content-Length"])).decode()
        (wanted,) = re.findall(r"<s:Body><(\w+)", question)
        camera.asked.append(wanted)
        camera.authorizations.append(self.headers.get("Authorization", ""))
        if camera.quirk == "hang":
            camera.stopping.wait()
        public = wanted == "GetSystemDateAndTime"
        if not public and not self.is_allowed(question):
            if camera.quirk in ("digest", "basic"):
                self.answer(
                    401, "", 'Digest realm="cam", nonce="n", qop="auth"' if camera.quirk == "digest" else "Basic"
                )
            else:
                self.answer(400, "<s:Fault><s:Code><s:Value>ter:NotAuthorized</s:Value></s:Code></s:Fault>")
            return
        self.answer(200, self.content(wanted, question))

    def is_allowed(self, question: str) -> bool:
        camera = self.camera
        if not camera.password:
            return True
        if camera.quirk in ("digest", "basic"):
            return self.headers.get("Authorization", "").startswith("Digest ")  # whose sums tests/camera/http checks
        found = re.search(
            r"<Username>(.*?)</Username>.*?>([^<]*)</Password>.*?>([^<]*)</Nonce>.*?>([^<]*)</Created>",
            question,
            re.DOTALL,
        )
        if found is None:
            return False
        user, digest, nonce, created = found.groups()
        age = abs(self.clock() - datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))
        own = hashlib.sha1(base64.b64decode(nonce) + created.encode() + camera.password.encode()).digest()
        return user == "admin" and digest == base64.b64encode(own).decode() and age < timedelta(seconds=60)

    def clock(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=10 if self.camera.quirk == "clock" else 0)

    def content(self, wanted: str, question: str) -> str:
        camera, now = self.camera, self.clock()
        host = "10.9.9.9" if camera.quirk == "elsewhere" else camera.host
        match wanted:
            case "GetSystemDateAndTime":
                return (
                    f"<UTCDateTime><Time><Hour>{now.hour}</Hour><Minute>{now.minute}</Minute>"
                    f"<Second>{now.second}</Second></Time><Date><Year>{now.year}</Year><Month>{now.month}</Month>"
                    f"<Day>{now.day}</Day></Date></UTCDateTime>"
                )
            case "GetDeviceInformation":
                return "<Manufacturer>ACME</Manufacturer><Model>X1</Model>"
            case "GetCapabilities":
                return f"<Media><XAddr>http://{host}:{camera.port}/onvif/media</XAddr></Media>"
            case "GetProfiles":
                return PROFILES
            case "GetStreamUri":
                assert "<ProfileToken>main&amp;1</ProfileToken>" in question
                return f"<MediaUri><Uri>rtsp://{host}:554/ch1?a=1&amp;b=$2</Uri></MediaUri>"
            case "GetSnapshotUri" if camera.quirk != "nosnapshot":
                return f"<MediaUri><Uri>http://{host}:{camera.port}/snapshot.jpg</Uri></MediaUri>"
            case _:
                return "<s:Fault><s:Code><s:Value>ter:ActionNotSupported</s:Value></s:Code></s:Fault>"

    def answer(self, status: int, body: str, challenge: str = "") -> None:
        content = (SOAP % f"<s:Body>{body}</s:Body>").encode()
        if self.camera.quirk == "bomb":
            entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
            content = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x>&e9;</x>'.encode()
        if self.camera.quirk == "garbage":
            content = b"\xff\x00 no XML"
        if self.camera.quirk == "long":
            content = b"<x>" + b"a" * (1 << 19)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    device = OnvifDevice(sys.argv[1], int(sys.argv[2]))
    device.listen(sys.argv[3])
    print(device.service, flush=True)
    sys.stdin.read()
    device.close()
