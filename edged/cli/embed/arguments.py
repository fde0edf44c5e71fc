"""Arguments of ``edged embed`` for the model and for the part of a picture."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

from edged.cli import argument_types
from edged.errors import map_exceptions
from edged.regions import FULL, AnyRegion, PixelRegion, Pixels, Region
from edged.values import ROTATIONS, Delegate

__all__ = ["add_model_arguments", "add_picture_arguments"]


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the model, its engine and its vectors."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default="efficientnet-lite0",
        metavar="NAME|PATH",
        help="the name of a bundled model, or a model file (default: %(default)s)",
    )
    group.add_argument(
        "--mean",
        type=_numbers,
        metavar="N[,N,N]",
        help="the mean for the model input, if the metadata of the model has none; with --std",
    )
    group.add_argument("--std", type=_numbers, metavar="N[,N,N]", help="the model input is (pixel - mean) / std")
    group.add_argument("--head", type=_head, default=0, metavar="N|NAME", help="which output of the model (default: 0)")
    group.add_argument("--l2-normalize", action="store_true", help="scale each vector to length 1")
    group.add_argument(
        "--quantize",
        action="store_true",
        help="round the vectors to int8, 128 steps to 1.0; use it with --l2-normalize, because values outside of -1…1 "
        "are cut off",
    )
    _add_engine_arguments(group)


def _add_engine_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--engine",
        choices=("auto", "ai-edge-litert", "tflite-runtime"),
        default="auto",
        help="the TFLite runtime (default: auto)",
    )
    group.add_argument(
        "--delegate",
        type=_delegate,
        default=Delegate(),
        metavar="NAME|LIBRARY",
        help="auto, none, xnnpack, coral, coral:usb:1, or the path of a delegate library (default: auto)",
    )
    group.add_argument(
        "--delegate-option",
        type=_option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option for the delegate library; may be given several times",
    )
    group.add_argument(
        "--threads", type=argument_types.whole, default=1, metavar="N", help="threads of the model (default: 1)"
    )


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for how a picture becomes the model input."""
    group = parser.add_argument_group("pictures")
    group.add_argument(
        "--roi",
        type=_region,
        default=FULL,
        metavar="L,T,R,B",
        help="embed only this part: left, top, right and bottom in 0…1 of the upright picture, or in pixels "
        "such as 320px",
    )
    group.add_argument(
        "--rotation",
        type=int,
        choices=ROTATIONS,
        default=0,
        help="rotate that part by so many degrees clockwise (default: 0)",
    )
    group.add_argument(
        "--resize",
        choices=("exact", "linear", "area"),
        default="exact",
        help="exact: as in the Task Library; linear, area: as in OpenCV (default: exact)",
    )
    group.add_argument(
        "--fit",
        choices=("stretch", "letterbox", "crop"),
        default="stretch",
        help="what becomes of that part if its proportions are not those of the model's input: stretched to them, "
        "in the middle of grey bars, or only its middle (default: stretch)",
    )
    group.add_argument(
        "--save-input",
        type=Path,
        metavar="DIR",
        help="write the model input of each picture into this folder, as a PNG",
    )


def _head(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, or three with commas between them (got {text!r})"
        ) from None


def _region(text: str) -> AnyRegion:
    parts = text.split(",")
    edges = [Pixels.parse(part) or _number(part) for part in parts]
    if len(edges) != 4 or None in edges:
        raise argparse.ArgumentTypeError(
            f"must be left,top,right,bottom, each a number in 0…1 or pixels such as 320px (got {text!r})"
        )
    left, top, right, bottom = (edge for edge in edges if edge is not None)
    fractions = [edge for edge in edges if isinstance(edge, float)]
    if (large := next((edge for edge in fractions if 1 < edge < math.inf), None)) is not None:
        raise argparse.ArgumentTypeError(f"{large:g} is not in 0…1; for pixels write {large:.0f}px")
    with map_exceptions({ValueError: argparse.ArgumentTypeError}):
        return Region(*fractions) if len(fractions) == 4 else PixelRegion(left, top, right, bottom)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _delegate(text: str) -> Delegate:
    if os.sep in text or ".so" in text:
        return Delegate("external", library=text)
    return argument_types.checked(Delegate.parse, text)


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE (got {text!r})")
    return key, value
