"""The boundary that a camera means, out of what it writes."""

from __future__ import annotations

import pytest

from edged.camera.http.content_type import boundary_of, media_type


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", b"frame"),
        ('multipart/x-mixed-replace;boundary="a frame"', b"a frame"),
        ('multipart/x-mixed-replace; boundary = "a;frame" ;x', b"a;frame"),
        ('multipart/x-mixed-replace; boundary="frame', b"frame"),
        ("multipart/x-mixed-replace;boundary=--frame", b"frame"),
        ("multipart/x-mixed-replace;boundary=video boundary--", b"video boundary"),
        ("Multipart/Mixed; charset=x; BOUNDARY=frame--", b"frame"),
        ('multipart/mixed; x="; boundary=no"; boundary=yes', b"yes"),
        ("multipart/mixed;;; boundary=a=b; boundary=c", b"a=b"),
        ("multipart/mixed; boundary=gr\xfcn", b"gr\xfcn"),
        ("multipart/mixed; boundary=" + "b" * 200, b"b" * 200),
        ("multipart/x-mixed-replace", None),
        ("multipart/x-mixed-replace; boundary=--", None),
        ("multipart/x-mixed-replace; boundary=", None),
        ("multipart/x-mixed-replace; boundary", None),
        ("multipart/x-mixed-replace; boundary*=a''b; boundary*0=c", None),
        ("multipart/x-mixed-replace; boundary*=idna''x", None),
        ("multipart/x-mixed-replace; boundary*=punycode''%ff", None),
        ("image/jpeg; boundary=frame", None),
        ("", None),
    ],
)
def test_the_boundary_is_what_cameras_mean(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("value", ["b" * 201, "7" * 5000, '"' + "b" * 201])
def test_a_boundary_without_end_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="has more than 200 characters"):
        boundary_of(f"multipart/mixed; boundary={value}")


def test_a_media_type_is_the_part_before_its_parameters() -> None:
    assert media_type(" Image/JPEG ; x=y") == "image/jpeg"
    assert media_type("") == ""
