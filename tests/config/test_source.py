"""Sources as the file spells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.config import SourceSpec

FOLDER = Path("/etc/edged")


def test_a_file_is_found_from_the_folder_of_the_configuration() -> None:
    assert SourceSpec.parse("file:a b.mp4", FOLDER) == SourceSpec("file", "/etc/edged/a b.mp4")
    assert SourceSpec.parse("file:/srv/a:b@c.mp4", FOLDER) == SourceSpec("file", "/srv/a:b@c.mp4")


def test_a_device_stays_as_it_is() -> None:
    text = "usb:/dev/v4l/by-id/usb-046d_C920-video-index0"
    assert SourceSpec.parse(text, FOLDER) == SourceSpec("usb", text.removeprefix("usb:"))


def test_only_a_file_waits_to_be_read() -> None:
    assert SourceSpec("usb", "/dev/video0").is_live
    assert not SourceSpec("file", "/a.mp4").is_live


def test_a_source_is_written_as_it_is_read() -> None:
    for text in ("file:/srv/a@b.mp4", "usb:/dev/video0"):
        assert str(SourceSpec.parse(text, FOLDER)) == text


def test_a_password_in_a_url_is_in_no_repr() -> None:
    assert "s3cret" not in repr(SourceSpec("file", "rtsp://admin:s3cret@10.0.0.7/live"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must begin with file: or usb:"),
        ("street.mp4", "must begin with file: or usb:"),
        ("file", "must begin with file: or usb:"),
        ("FILE:a.mp4", "must begin with file: or usb:"),
        ("rtsp://host/live", "must begin with file: or usb:"),
        ("file:", "must name a video file by its path"),
        ("file:///srv/a.mp4", "must name a video file by its path"),
        ("usb:", "must name a device file"),
        ("usb:0", "must name a device file"),
        ("usb:video0", "must name a device file"),
    ],
)
def test_what_is_no_source_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        SourceSpec.parse(text, FOLDER)
