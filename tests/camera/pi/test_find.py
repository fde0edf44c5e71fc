"""Which camera is meant."""

from __future__ import annotations

from typing import Any

import pytest

from edged.camera.pi.find import number_of
from edged.errors import SourceError

CAMERAS: list[dict[str, Any]] = [
    {"Id": "/base/axi/pcie@1000120000/rp1/i2c@88000/imx708@1a", "Model": "imx708"},
    {"Id": "/base/axi/pcie@1000120000/rp1/i2c@80000/imx219@10", "Model": "imx219"},
    {"Id": "/base/axi/pcie@1000120000/rp1/usb@200000-1:1.0-046d:0825"},
]


@pytest.mark.parametrize(
    ("target", "number"), [("0", 0), ("2", 2), ("imx708", 0), ("imx219", 1), (CAMERAS[1]["Id"], 1)]
)
def test_numbers_ids_and_models_name_a_camera(target: str, number: int) -> None:
    assert number_of(target, CAMERAS) == number


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("3", "there is no camera with this number; there are: 0 = imx708 (/base"),
        ("imx", "there is no camera with this Id or model; there are: 0 = imx708 (/base"),
        ("", "2 = unknown (/base/axi/pcie@1000120000/rp1/usb@200000-1:1.0-046d:0825)"),
    ],
)
def test_a_target_that_names_no_camera_is_refused_with_a_list_of_those_present(target: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        number_of(target, CAMERAS)
    assert reason in str(caught.value)


def test_a_model_of_which_there_are_two_is_not_enough() -> None:
    with pytest.raises(SourceError, match="several cameras are of this model, so it must be an Id; there are: 0 = "):
        number_of("imx708", [CAMERAS[0], {"Id": "other", "Model": "imx708"}])
