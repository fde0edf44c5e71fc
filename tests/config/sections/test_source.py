"""Sources as the file spells them."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from edged.camera.pattern import LARGEST, SMALLEST
from edged.config import SourceSpec
from edged.config.sections.camera_kinds import (
    CAMERA_KINDS,
    KINDS_BY_NAME,
    LARGEST_PATTERN,
    SMALLEST_PATTERN,
    CameraKind,
    picture_size,
)
from edged.config.sections.source import SOURCE_PATTERN

FOLDER = Path("/etc/edged")

KINDS = "must begin with file:, dir:, usb:, picamera:, pattern:, rtsp://"


def test_a_file_or_folder_is_found_from_the_folder_of_the_configuration() -> None:
    assert SourceSpec.parse("file:a b.mp4", FOLDER) == SourceSpec(KINDS_BY_NAME["file"], "/etc/edged/a b.mp4")
    assert SourceSpec.parse("file:/srv/a:b@c.mp4", FOLDER) == SourceSpec(KINDS_BY_NAME["file"], "/srv/a:b@c.mp4")
    assert SourceSpec.parse("dir:pictures", FOLDER) == SourceSpec(KINDS_BY_NAME["dir"], "/etc/edged/pictures")
    assert SourceSpec.parse("dir:.", FOLDER) == SourceSpec(KINDS_BY_NAME["dir"], "/etc/edged")


@pytest.mark.parametrize(
    "text",
    [
        "usb:/dev/v4l/by-id/usb-046d_C920-video-index0",
        "usb:/dev/video0",
        "usb:HD Pro Webcam C920",
        "picamera:0",
        "picamera:imx708",
        "picamera:/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a",
        "pattern:",
        "pattern:1920x1080",
        "rtsp://10.0.0.7/live",
        "rtsps://camera:322/live?channel=1",
        "http://[fe80::1]:8080/stream",
        "https://straße.example/a:b",
    ],
)
def test_a_source_is_written_as_it_is_read(text: str) -> None:
    source = SourceSpec.parse(text, FOLDER)
    assert str(source) == text
    assert SourceSpec.parse(str(source), Path("/elsewhere")) == source
    assert source.target == (text if "://" in text else text.partition(":")[2])


@pytest.mark.parametrize("kind", CAMERA_KINDS, ids=lambda kind: kind.name)
def test_an_editor_takes_the_beginning_of_every_kind(kind: CameraKind) -> None:
    assert re.match(SOURCE_PATTERN, f"{kind.prefix}x")
    with nullcontext() if re.match(SOURCE_PATTERN, kind.prefix) else pytest.raises(ValueError, match="must"):
        SourceSpec.parse(kind.prefix, FOLDER)
    assert not re.match(SOURCE_PATTERN, kind.prefix.rstrip(":/"))


def test_only_files_and_folders_wait_to_be_read() -> None:
    assert {kind.name for kind in CAMERA_KINDS if not kind.is_live} == {"file", "dir"}


def test_a_test_picture_has_a_size_or_its_own() -> None:
    assert picture_size(SourceSpec.parse("pattern:", FOLDER).target) is None
    assert picture_size(SourceSpec.parse("pattern:320x0240", FOLDER).target) == (320, 240)
    assert (SMALLEST_PATTERN, LARGEST_PATTERN) == (SMALLEST, LARGEST)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://admin:s3cret@10.0.0.7/live", "rtsp://***@10.0.0.7/live"),
        ("rtsp://s3cret@10.0.0.7/live", "rtsp://***@10.0.0.7/live"),
        ("http://c/v?user=s3cret&pwd=s3cret&fps=5", "http://c/v?user=***&pwd=***&fps=5"),
        ("http://c/v?a=1;pwd=s3cret", "http://c/v?a=1;pwd=***"),
        ("rtsp://c/user=s3cret_password=s3cret_channel=1", "rtsp://c/user=***"),
        ("rtsp://c/user=s3cret&password=s3cret&channel=1", "rtsp://c/user=***&password=***&channel=1"),
        ("https://c/v?fps=5&Access_Token=s3cret?s3cret;s3cret#s3cret", "https://c/v?fps=5&Access_Token=***"),
    ],
)
def test_user_and_password_of_a_url_are_used_but_not_shown(url: str, shown: str) -> None:
    source = SourceSpec.parse(url, FOLDER)
    assert source.target == url
    assert str(source) == shown
    assert "s3cret" not in repr(source)
    with pytest.raises(ValueError, match="where edged hid a user and password; write them in again"):
        SourceSpec.parse(shown, FOLDER)


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtsps"])
@pytest.mark.parametrize(
    "password",
    [
        *(f"{first}{sign}{last}" for first, last in (("s3", "cret"), ("12", "34s3")) for sign in "#?/[]@\\"),
        *("@s3", "s3@12/3", "s3@host:12/3", "[::1]/s3", "s3@1#2", "0/s3@c/d"),
    ],
)
@pytest.mark.parametrize("host", ["10.0.0.7", "cam:8080", "[fe80::1%25eth0]"])
def test_a_password_with_signs_of_a_url_is_refused_with_all_escapes(scheme: str, password: str, host: str) -> None:
    with pytest.raises(ValueError, match=r"write # as %23, / as %2F, \? as %3F, @ as %40 and \[ as %5B") as caught:
        SourceSpec.parse(f"{scheme}://admin:{password}@{host}/live", FOLDER)
    assert password not in str(caught.value)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://cam/live@2",
        "rtsp://[::1]/a@b",
        "http://cam/v?mail=a@b.c",
        "rtsp://admin:a%23b%2Fc%3Fd%40e%5Bf@cam:554/live",
        "http://[fe80::1%25eth0]/",
        "http://me:12@[fe80::1%25eth0]:8080/stream?a=1",
        "rtsp://cam/live#1",
    ],
)
def test_a_url_whose_parts_are_clear_is_taken(url: str) -> None:
    assert SourceSpec.parse(url, FOLDER).target == url


@pytest.mark.parametrize(("sign", "escape"), [("%", "% as %25"), ("]", "] as %5D"), ("\\", "\\ as %5C")])
def test_signs_that_are_refused_less_often_have_their_escapes_named_too(sign: str, escape: str) -> None:
    with pytest.raises(ValueError, match=re.escape(escape)) as caught:
        SourceSpec.parse(f"rtsp://admin:s3{sign}abcret@10.0.0.7/live", FOLDER)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("login", ["admin:s3%e9cret", "s3%ffcret:p", "admin:%ab"])
def test_an_escape_that_is_no_text_is_refused_and_not_altered(login: str) -> None:
    with pytest.raises(ValueError, match="% as %25") as caught:
        SourceSpec.parse(f"http://{login}@10.0.0.7/live", FOLDER)
    assert "s3" not in str(caught.value)
    assert caught.value.__cause__ is None, "a UnicodeDecodeError has the password"


@pytest.mark.parametrize("place", ["[::1]x", "[fe80::1%25eth0].lan", "[::1]8080", "x[::1]", "[::1]x:80"])
def test_nothing_but_a_port_follows_the_brackets_of_a_host(place: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        SourceSpec.parse(f"http://{place}/live", FOLDER)


def test_a_password_in_the_wrong_place_is_in_no_repr() -> None:
    assert "s3cret" not in repr(SourceSpec(KINDS_BY_NAME["file"], "rtsp://admin:s3cret@10.0.0.7/live"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", KINDS),
        ("street.mp4", KINDS),
        ("file", KINDS),
        ("FILE:a.mp4", KINDS),
        ("rtsp:host/live", KINDS),
        ("RTSP://host/live", KINDS),
        ("udp://host:1", KINDS),
        ("file:", "must name a video file by its path"),
        ("file:///srv/a.mp4", "must be the URL itself|must name a video file by its path"),
        ("file:rtsp://host/live", "must be the URL itself, without file: before it"),
        ("dir:", "must name a folder by its path"),
        ("usb:", "must name a device file, such as usb:/dev/video0, or a camera by its name"),
        ("usb:  ", "must name a device file"),
        ("usb:0", "must name a device file"),
        ("usb:video0", "must name a device file"),
        ("usb:dev/video0", "must name a device file"),
        ("picamera:", "must name a camera by number, Id or model"),
        ("pattern:640", "must be pattern: alone or with a size such as pattern:640x480"),
        ("pattern:31x480", "of sides in 32…8192"),
        ("pattern:640x8193", "of sides in 32…8192"),
        ("pattern:640x99999999999", "of sides in 32…8192"),
        ("rtsp://", "must be rtsp://HOST/"),
        ("http:///stream", "must be http://HOST/"),
        ("http://:80/stream", "must be http://HOST/"),
        ("http://host:0/stream", "must be http://HOST/"),
        ("http://host:65536/stream", "must be http://HOST/"),
        ("http://host:port/stream", "must be http://HOST/"),
        ("http://[::1/stream", "must be http://HOST/"),
        (f"http://{'a' * 64}/stream", "must be http://HOST/"),
        ("http://a..b/stream", "must be http://HOST/"),
        ("http://host/a b", "must not hold spaces"),
        ("http://host/a\tb", "must not hold spaces"),
    ],
)
def test_text_that_is_not_a_source_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        SourceSpec.parse(text, FOLDER)


@pytest.mark.parametrize("url", ["rtsp://admin:s3/cret@host/live", "http://us er:s3cret@host/", "http://a:s3cret@:1/"])
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="got") as caught:
        SourceSpec.parse(url, FOLDER)
    assert "cret" not in str(caught.value)
