"""What is said where picamera2 cannot be imported, and what is asked of it where it can."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from edged.camera.pi.library import load
from edged.errors import SourceError


def importing(monkeypatch: pytest.MonkeyPatch, **found: Any) -> None:
    """Let each module be what is given for it: raised if it is an exception."""

    def import_module(name: str) -> Any:
        if isinstance(found[name], Exception):
            raise found[name]
        return found[name]

    monkeypatch.setattr(importlib, "import_module", import_module)


@pytest.mark.parametrize("missing", ["picamera2", "libcamera", "pykms"])
def test_a_missing_library_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    importing(monkeypatch, picamera2=ModuleNotFoundError(f"No module named {missing!r}", name=missing))
    with pytest.raises(SourceError) as caught:
        load()
    text = str(caught.value)
    assert text.startswith(f"{missing} cannot be imported by this Python 3.")
    assert "sudo apt install python3-picamera2" in text
    assert "--system-site-packages" in text


def test_numpy_2_beside_libraries_for_numpy_1_is_reported_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    trap = ValueError("numpy.dtype size changed, may indicate binary incompatibility")
    importing(monkeypatch, picamera2=trap)
    with pytest.raises(
        SourceError, match=r"numpy\.dtype size changed.*pip install 'numpy<2' 'opencv-python-headless<4\.12'"
    ):
        load()


def test_a_picamera2_that_is_too_old_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    importing(monkeypatch, picamera2=SimpleNamespace(Picamera2=object), libcamera=SimpleNamespace())
    with pytest.raises(SourceError, match=r"older than 0\.3\.20"):
        load()


def test_nothing_is_imported_before_a_camera_is_opened() -> None:
    code = "import sys, edged.camera.picamera; print(*sorted({'picamera2', 'libcamera'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"


def test_calls_go_to_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    class Picamera2:
        def __init__(self, number: int) -> None:
            self.number = number

        @staticmethod
        def global_camera_info() -> list[dict[str, str]]:
            return [{"Id": "Front"}]

        def cancel_all_and_flush(self) -> None: ...

    picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
    picamera2.Picamera2 = Picamera2  # type: ignore[attr-defined]  # it stands in for the real module
    picamera2.MappedArray = lambda *args, **named: (args, named)  # type: ignore[attr-defined]  # as above
    libcamera.Transform = lambda **named: named  # type: ignore[attr-defined]  # as above
    modes = SimpleNamespace(AwbModeEnum=SimpleNamespace(Daylight=5))
    libcamera.controls = modes  # type: ignore[attr-defined]  # as above
    importing(monkeypatch, picamera2=picamera2, libcamera=libcamera)
    library = load()
    assert library.cameras() == [{"Id": "Front"}]
    camera = library.open(1)
    assert isinstance(camera, Picamera2)
    assert camera.number == 1
    assert library.transform(hflip=True, vflip=False) == {"hflip": 1, "vflip": 0}
    assert library.choice("AwbMode", "Daylight") == 5
    request: Any = object()
    mapped: Any = library.mapped(request)
    assert mapped == ((request, "main"), {"write": False})
