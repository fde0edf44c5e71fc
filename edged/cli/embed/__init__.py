"""``edged embed``: embeds picture files and prints their vectors and similarities."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types
from edged.cli.console import EXIT_FAILURE, EXIT_INTERRUPTED, Commands
from edged.cli.embed.arguments import add_model_arguments, add_picture_arguments
from edged.errors import DelegateError, InferenceError, ModelError, map_exceptions
from edged.values import MAX_PIXELS, WHITE

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from edged.cli.embed.pictures import Pictures
    from edged.config import Loaded
    from edged.vision.embedder import Embedder, EmbedderOptions
    from edged.vision.specs import ModelFile, Normalization

__all__ = ["add_parser"]

MODEL_OPTIONS = (
    *("model", "mean", "std", "head", "l2_normalize", "quantize", "engine", "delegate", "delegate_option", "threads"),
    *("resize", "fit", "trusted"),
)
"""Options that a configuration sets, too."""

MANY = 3  # from so many pictures on, a bar shows the progress


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "embed",
        help="embed pictures and compare them",
        description="Embeds pictures and prints the number of dimensions and their cosine similarity: a number for two "
        "pictures, a matrix for more. A picture is first turned upright by its EXIF data. A file that is not a usable "
        "picture is reported on stderr, and the rest is embedded; the exit status is then 1.",
        epilog="A catalogue holds the vectors of many pictures, each with a label, the name of its file. A daemon "
        "reads it as a reference (catalogue: FILE.npz), and --search prints its pictures that are most like a given "
        "one. A catalogue fits one model and its options; -c takes those of a daemon.",
    )
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files, or folders of them")
    parser.add_argument(
        "-c", "--config", metavar="FILE", help="use the model of this configuration, instead of the options below"
    )
    add_model_arguments(parser)
    add_picture_arguments(parser)
    parser.add_argument(
        "--trusted",
        action="store_true",
        help="run a model file at once. Without this, the first run of a file is in a child process, because a damaged "
        "model can crash the process",
    )
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object, with the vectors")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the vectors to FILE: an array with a row for each picture, or a catalogue if FILE ends in .npz",
    )
    parser.add_argument(
        "--search",
        type=Path,
        metavar="FILE.npz",
        help="print the pictures of this catalogue that are most like each PICTURE",
    )
    parser.add_argument(
        "--top-k",
        type=argument_types.whole,
        default=5,
        metavar="N",
        help="how many to print for --search (default: %(default)s)",
    )
    parser.set_defaults(
        main=embed, runs_native_code=True, usual_model={name: parser.get_default(name) for name in MODEL_OPTIONS}
    )


def embed(args: argparse.Namespace) -> int:
    """Embed the pictures of *args*, and print and save the results."""
    from edged.cli.embed.catalogues import nearest, open_catalogue
    from edged.cli.embed.pictures import Pictures
    from edged.cli.embed.report import as_json, as_text
    from edged.references import labels_of

    if problem := _early_problem(args):
        print(f"edged embed: {problem}", file=sys.stderr)
        return EXIT_FAILURE
    loaded = None if args.config is None else _load(args.config)
    with _embedder(args, loaded) as embedder:
        catalogue = None if args.search is None else open_catalogue(args.search, embedder)
        pictures = Pictures(
            embedder,
            args.roi,
            args.rotation,
            args.save_input,
            MAX_PIXELS if loaded is None else loaded.config.max_pixels,
            WHITE if loaded is None else loaded.config.background,
        )
        is_catalogue = args.out is not None and args.out.suffix == ".npz"
        files = pictures.expand(args.pictures, is_catalogue=is_catalogue)
        labels = dict(zip(files, labels_of(files), strict=True)) if is_catalogue else {}
        status = _embed_all(pictures, files)
        found = None if catalogue is None else nearest(catalogue, pictures.done, args.top_k)
        print(as_json(pictures, found) if args.json else as_text(pictures, found))
    if args.out is not None and pictures.done and not _save(pictures, labels, args.out):
        return EXIT_FAILURE
    return status or (EXIT_FAILURE if pictures.failed else 0)


def _embed_all(pictures: Pictures, files: list[Path]) -> int:
    """Embed *files*; returns the exit status. After an early end the vectors are kept."""
    try:
        with closing(_with_bar(files)) as shown:
            for file in shown:
                pictures.embed(file)
    except KeyboardInterrupt:
        _early_end("interrupted", pictures, files)
        return EXIT_INTERRUPTED
    except InferenceError as exc:
        _early_end(str(exc), pictures, files)
        return EXIT_FAILURE
    return 0


def _early_end(reason: str, pictures: Pictures, files: list[Path]) -> None:
    print(f"edged embed: {reason} (after {len(pictures.done)} of {len(files)} pictures)", file=sys.stderr)


def _with_bar(files: list[Path]) -> Generator[Path, None, None]:
    """Yield *files*, with a bar on the terminal."""
    if len(files) < MANY or not sys.stderr.isatty():
        yield from files
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(files, description="embedding")


def _save(pictures: Pictures, labels: Mapping[Path, str], path: Path) -> bool:
    import numpy as np

    from edged.cli.embed.catalogues import save_catalogue

    if path.suffix == ".npz":
        return save_catalogue(pictures, labels, path)
    try:
        with path.open("wb") as file:
            np.save(file, np.stack([picture.vector for picture in pictures.done]))
    except OSError as exc:
        print(f"edged embed: --out {path}: {exc.strerror or exc}", file=sys.stderr)
        return False
    return True


def _early_problem(args: argparse.Namespace) -> str | None:
    """Return a problem that would end the command only after all pictures are embedded."""
    if args.save_input is not None:
        try:
            args.save_input.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            return f"--save-input {args.save_input}: {exc.strerror}"
    given = [name for name, usual in args.usual_model.items() if getattr(args, name) != usual]
    if args.config is not None and given:
        return f"--{given[0].replace('_', '-')}: the configuration (-c) sets that already; leave out one of them"
    out: Path | None = args.out
    if out is None:
        return None
    # A catalogue replaces the file when it is whole, so the folder must be writable.
    target = out if out.exists() and out.suffix != ".npz" else out.parent
    if out.is_dir() or not os.access(target, os.W_OK):
        return f"--out {out}: the file cannot be written"
    return None


def _load(file: str) -> Loaded:
    from edged.config import load

    return load(file)


def _embedder(args: argparse.Namespace, loaded: Loaded | None) -> Embedder:
    """Open the model of the configuration, or of the other arguments."""
    if loaded is None:
        from edged.vision.fallback import open_embedder
        from edged.vision.runtime.disk_cache import cache_folder

        return open_embedder(_model(args), _options(args), memory=cache_folder(), trusted=args.trusted)
    from edged.pipeline.loading.model import open_model, read_fallback_file, read_model_file

    return open_model(loaded, read_model_file(loaded), read_fallback_file(loaded))


def _model(args: argparse.Namespace) -> ModelFile:
    from edged.vision.bundled import BUNDLED, bundled_model
    from edged.vision.tflite.model_file import read_model

    name, normalization = args.model, _normalization(args)
    if name in BUNDLED or not (os.sep in name or name.endswith(".tflite") or Path(name).exists()):
        model = bundled_model(name)
        if normalization is not None:
            raise ModelError(f"--mean and --std are for model files: the bundled model {name} has its own")
        return model
    return read_model(name, normalization=normalization)


def _normalization(args: argparse.Namespace) -> Normalization | None:
    from edged.vision.specs import Normalization

    if args.mean is None and args.std is None:
        return None
    if args.mean is None or args.std is None:
        raise ModelError("--mean and --std go together: the model input is (pixel - mean) / std")
    with map_exceptions({ValueError: ModelError}, "--mean and --std"):
        return Normalization(args.mean, args.std)


def _options(args: argparse.Namespace) -> EmbedderOptions:
    from edged.vision.embedder import EmbedderOptions

    if args.delegate_option and args.delegate.kind not in {"coral", "external"}:
        raise DelegateError(f"--delegate-option: the delegate {args.delegate.kind} has no options")
    return EmbedderOptions(
        head=args.head,
        l2_normalize=args.l2_normalize,
        quantize=args.quantize,
        resize=args.resize,
        fit=args.fit,
        engine=args.engine,
        delegate=replace(args.delegate, options=tuple(args.delegate_option)),
        num_threads=args.threads,
    )
