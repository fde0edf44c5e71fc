"""WS-Discovery: a question to all devices of the network, and their answers (OASIS, version of April 2005)."""

from __future__ import annotations

import re
import select
import socket
import struct
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote

from edged.camera.http.address import Address
from edged.camera.onvif.xml import Element, read_xml
from edged.peer_text import peer_text

__all__ = ["FoundDevice", "find_devices"]

GROUP, PORT = "239.255.255.250", 3702
SECONDS = 3.0
MOST_DEVICES = 256
MOST_SENDERS = 4096
MOST_ANSWERS = 16  # of one sender; the others are not read, so that it hides nobody
LARGEST_DATAGRAM = 65535
REPEATED_AFTER = 1.0  # seconds: a datagram may be lost
LONGEST_NAME = 60

PROBE = """\
<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>uuid:{message}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that has answered: the address of its service, and its name as it gives it."""

    service: Address
    name: str


def find_devices(seconds: float = SECONDS) -> list[FoundDevice]:
    """Return the ONVIF cameras that answer within *seconds*, on every network of this machine, by their addresses.

    A device is asked further at the host that its answer came from only: it cannot make edged ask others.

    Raises:
        OSError: no question can be sent.
    """
    message = str(uuid.uuid4())
    probe = PROBE.format(message=message).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        found = _devices(_answers(asking, probe, seconds), message)
    return sorted(found, key=lambda device: socket.inet_aton(device.service.host))


def _devices(answers: Iterable[tuple[bytes, str]], message: str) -> Collection[FoundDevice]:
    """Return the devices that answer *message*, one of each sender."""
    found: dict[str, FoundDevice] = {}
    seen: Counter[str] = Counter()
    for answer, sender in answers:
        is_known = sender in seen or len(seen) < MOST_SENDERS
        if sender in found or not is_known or seen[sender] >= MOST_ANSWERS:
            continue
        seen[sender] += 1
        device = _device(answer, sender, message)
        if device is not None and len(found) < MOST_DEVICES:
            found[sender] = device
    return found.values()


def _send(asking: socket.socket, probe: bytes) -> None:
    """Send *probe* to every network; one that is down does not matter unless all are."""
    failure: OSError | None = None
    sent = 0
    for index, _ in socket.if_nameindex():
        try:
            asking.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", bytes(4), bytes(4), index)
            )
            asking.sendto(probe, (GROUP, PORT))
            sent += 1
        except OSError as exc:
            failure = exc
    if not sent and failure is not None:
        raise failure


def _answers(asking: socket.socket, probe: bytes, seconds: float) -> Iterator[tuple[bytes, str]]:
    """Send *probe*, once more after a while, and yield each datagram of the next *seconds* with its sender's address.

    Raises:
        OSError: no question can be sent.
    """
    poll = select.poll()
    poll.register(asking, select.POLLIN)
    begin = time.monotonic()
    for until in (begin + min(REPEATED_AFTER, seconds), begin + seconds):
        _send(asking, probe)
        while (left := until - time.monotonic()) > 0:
            if poll.poll(left * 1000):
                with suppress(OSError):  # such as the answer of a host where nobody listens
                    content, place = asking.recvfrom(LARGEST_DATAGRAM)
                    yield content, str(place[0])


def _device(answer: bytes, sender: str, message: str) -> FoundDevice | None:
    if message.encode() not in answer:  # it answers somebody else
        return None
    try:
        content = read_xml(answer)
    except ValueError:
        return None
    for match in content.all("ProbeMatch"):
        for text in match.get("XAddrs").split()[:16]:
            service = _service(text, sender)
            if service is not None:
                return FoundDevice(service, _name(match))
    return None


def _service(text: str, sender: str) -> Address | None:
    try:
        service = Address.parse(text)
    except ValueError:
        return None
    return service if service.host == sender and service.user is None else None


def _name(match: Element) -> str:
    """Return the name among the scopes, such as ``onvif://www.onvif.org/name/Front%20door``."""
    for kind in ("name", "hardware"):
        found = re.search(rf"onvif://www\.onvif\.org/{kind}/(\S{{1,200}})", match.get("Scopes"))
        if found is not None:
            return peer_text(unquote(found[1]), LONGEST_NAME)
    return ""
