"""Nodes, names and holders, as sysfs, udev and /proc tell them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edged.camera.v4l2.find import picture_nodes, picture_sibling, resolve, stable_name
from edged.camera.v4l2.nodes import find_nodes, holders, on_this_machine
from edged.errors import SourceError
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel

SECOND_SOCKET = "usb-0000:00:14.0-2"


def stable(kernel: FakeKernel) -> list[str]:
    """The stable names of all nodes with pictures."""
    nodes = find_nodes(kernel.root)
    return [str(stable_name(node, nodes)) for node in picture_nodes(kernel, nodes)]


def test_a_camera_has_a_node_for_pictures_and_one_for_metadata(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("C920", serial="A1"))
    pictures, metadata = find_nodes(kernel.root)
    assert (pictures.path, pictures.card, pictures.index, pictures.driver, pictures.link_speed) == (
        Path("/dev/video0"),
        "C920",
        0,
        "uvcvideo",
        480.0,
    )
    assert [link.parent.name for link in pictures.links] == ["by-id", "by-path"]
    assert (metadata.index, metadata.device) == (1, pictures.device)
    assert picture_nodes(kernel, [pictures, metadata]) == [pictures]
    assert picture_sibling(kernel, metadata.path) == Path("/dev/v4l/by-id/usb-C920_A1-video-index0")


def test_nodes_are_sorted_by_number_and_an_empty_machine_has_none(kernel: FakeKernel) -> None:
    assert find_nodes(kernel.root) == []
    for number in range(6):
        kernel.plug(FakeCamera(f"Camera {number}", serial=f"S{number}"))
    assert [node.path.name for node in find_nodes(kernel.root)] == [f"video{number}" for number in range(12)]


def test_a_camera_without_udev_or_usb_goes_by_its_number(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(serial=None, speed=None, metadata=False))
    for link in (kernel.root / "dev/v4l/by-path").iterdir():
        link.unlink()
    (node,) = find_nodes(kernel.root)
    assert node.link_speed is None
    assert stable(kernel) == [str(camera.node)]


def test_twins_without_serial_numbers_go_by_socket(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("Cheap", serial="same"))
    kernel.plug(FakeCamera("Cheap", serial="same", bus=SECOND_SOCKET))  # udev's link by-id now leads to this one
    assert stable(kernel) == [
        "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0",
        "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:2:1.0-video-index0",
    ]


def test_twins_with_serial_numbers_go_by_these(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("Good", serial="A"))
    kernel.plug(FakeCamera("Good", serial="B", bus=SECOND_SOCKET))
    assert [name.rpartition("/")[2] for name in stable(kernel)] == [
        "usb-Good_A-video-index0",
        "usb-Good_B-video-index0",
    ]


def test_a_node_that_may_not_be_opened_is_judged_by_its_index(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.forbidden |= {node.path for node in find_nodes(kernel.root)}
    assert stable(kernel) == [str(camera.link)]


def test_parts_of_a_raspberry_pi_are_not_cameras(kernel: FakeKernel) -> None:
    for number, driver in enumerate(("unicam", "bcm2835-isp", "bcm2835-codec", "rp1-cfe", "pispbe")):
        kernel.plug(FakeCamera(driver, driver=driver, metadata=False, serial=f"S{number}"))
    assert stable(kernel) == []


def test_a_link_is_followed_to_its_node(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("Other", serial="X"))
    camera = kernel.plug(FakeCamera(bus=SECOND_SOCKET))
    assert on_this_machine(kernel.root, camera.link) == Path("/dev/video2")
    assert resolve(kernel, str(camera.link)) == Path("/dev/video2")
    assert resolve(kernel, "/dev/video2") == Path("/dev/video2")
    with pytest.raises(FileNotFoundError):
        resolve(kernel, "/dev/video9")


@pytest.mark.parametrize("name", ["C920", "c920", "hd pro webcam c920", "Webcam"])
def test_a_name_is_found_in_any_case_whole_or_in_part(kernel: FakeKernel, name: str) -> None:
    kernel.plug(FakeCamera("Other", serial="X"))
    camera = kernel.plug(FakeCamera("HD Pro Webcam C920", bus=SECOND_SOCKET))
    assert resolve(kernel, name) == camera.node


def test_a_name_among_cameras_that_all_are_called_otherwise(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("Left", serial="X"))
    kernel.plug(FakeCamera("Right", bus=SECOND_SOCKET))
    with pytest.raises(SourceError, match="no camera is called so; there is Left, Right"):
        resolve(kernel, "C920")


def test_processes_that_use_a_camera_are_listed_by_number_and_name(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.occupy(camera, 900, "cheese")
    kernel.occupy(camera, 70, "wireplumber")
    assert [str(holder) for holder in holders(kernel.root, camera.node)] == ["wireplumber (pid 70)", "cheese (pid 900)"]
    assert holders(kernel.root, Path("/dev/video7")) == []


def test_this_process_is_found_in_the_real_proc(tmp_path: Path) -> None:
    held = tmp_path / "held"
    with held.open("w"):
        assert os.getpid() in [holder.pid for holder in holders(Path("/"), held)]
    assert holders(Path("/"), held) == []
