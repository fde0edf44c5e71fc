"""Checks of Coral devices and of their library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edged.errors import DelegateError
from edged.service.doctor.finding import Finding, ok, warning

__all__ = ["corals", "delegates"]

_USB = {"1a6e:089a", "18d1:9302"}  # before and after its firmware was loaded
_PCI = {"1ac1:089a"}
_RULES = "install Google's package libedgetpu1-std, whose udev rules give it to group plugdev, and join that group: "


def delegates(_: str | None) -> Iterator[Finding]:
    """Check for a Coral and its library."""
    from edged.values import Delegate
    from edged.vision.runtime.delegate import CORAL_LIBRARY, delegate_library

    coral = delegate_library(Delegate("coral"))
    assert coral is not None, "it comes as a library"
    found = list(corals(Path("/")))
    yield from found
    try:
        coral.check("TFLite")
    except DelegateError as exc:
        if found:
            yield warning("delegate", str(exc), "apt install libedgetpu1-std, from Google's repository")
        else:
            yield ok("delegate", f"no Coral, and no {CORAL_LIBRARY}: models run on the processor")
    else:
        yield ok("delegate", f"{CORAL_LIBRARY} can be loaded{'' if found else ', but there is no Coral'}")


def corals(root: Path) -> Iterator[Finding]:
    """Find every Coral that the kernel below *root* shows, and check whether this user may use it."""
    for device in sorted(root.glob("sys/bus/usb/devices/*")):
        if _identity(device, "idVendor", "idProduct") in _USB:
            node = f"dev/bus/usb/{_number(device / 'busnum')}/{_number(device / 'devnum')}"
            yield _may_use(root / node, "a Coral on USB", f"{_RULES}sudo usermod -aG plugdev $USER")
    for device in sorted(root.glob("sys/bus/pci/devices/*")):
        if _identity(device, "vendor", "device") in _PCI:
            nodes = sorted(root.glob("dev/apex_*"))
            if nodes:
                yield _may_use(nodes[0], "a Coral on PCIe", "sudo usermod -aG apex $USER, and log in again")
            else:
                yield warning("delegate", "a Coral on PCIe has no driver", "apt install gasket-dkms, and start again")


def _may_use(node: Path, what: str, cure: str) -> Finding:
    if os.access(node, os.R_OK | os.W_OK):
        return ok("delegate", f"{what} ({node})")
    return warning("delegate", f"{what} ({node}) may not be opened by this user", cure)


def _identity(device: Path, *files: str) -> str:
    return ":".join(_read(device / file).removeprefix("0x") for file in files)


def _number(file: Path) -> str:
    return _read(file).zfill(3)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip().lower()
    except OSError:
        return ""
