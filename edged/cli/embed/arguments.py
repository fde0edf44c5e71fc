"""The arguments that say which model embeds which part of a picture."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from edged.cli import argument_types
from edged.values import FULL, ROTATIONS, Delegate, Region

__all__ = ["add_model_arguments", "add_picture_arguments"]


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those that say which model it is, what runs it, and what is done to its vectors."""
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--model",
        default="efficientnet-lite0",
        metavar="NAME|PATH",
        help="a bundled one, or a file (default: %(default)s)",
    )
    group.add_argument(
        "--mean", type=_numbers, metavar="N[,N,N]", help="what the model's metadata does not say; with --std"
    )
    group.add_argument("--std", type=_numbers, metavar="N[,N,N]", help="a pixel goes in as (pixel - mean) / std")
    group.add_argument("--head", type=_head, default=0, metavar="N|NAME", help="which output of it (default: 0)")
    group.add_argument("--l2-normalize", action="store_true", help="make the vectors' length 1")
    group.add_argument(
        "--quantize",
        action="store_true",
        help="make them int8, 128 steps to 1.0; goes with --l2-normalize, for what is outside of -1…1 is cut off",
    )
    group.add_argument("--engine", choices=("auto", "ai-edge-litert", "tflite-runtime"), default="auto")
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
        help="handed to the library",
    )
    group.add_argument(
        "--threads", type=argument_types.whole, default=1, metavar="N", help="for the model (default: 1)"
    )


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those that say how a picture becomes the model's input."""
    group = parser.add_argument_group("the pictures")
    group.add_argument(
        "--roi",
        type=_region,
        default=FULL,
        metavar="L,T,R,B",
        help="look at this part only: left, top, right and bottom in 0…1 of the upright picture",
    )
    group.add_argument(
        "--rotation", type=int, choices=ROTATIONS, default=0, help="then turn it, in degrees clockwise (default: 0)"
    )
    group.add_argument(
        "--resize",
        choices=("exact", "linear", "area"),
        default="exact",
        help="exact: as the Task Library does; linear, area: as OpenCV does (default: exact)",
    )
    group.add_argument("--save-input", type=Path, metavar="DIR", help="write what the model sees of each as a PNG")


def _head(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, or three with commas between them (got {text!r})"
        ) from None


def _region(text: str) -> Region:
    numbers = _numbers(text)
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"must be four numbers: left,top,right,bottom (got {text!r})")
    try:
        return Region(*numbers)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _delegate(text: str) -> Delegate:
    if os.sep in text or ".so" in text:
        return Delegate("external", library=text)
    try:
        return Delegate.parse(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE (got {text!r})")
    return key, value
