"""``edged embed`` writes catalogues and searches them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.cli import main
from edged.cli.embed.catalogues import labels_of
from tests.vision.pool_models import pool_model

COLOURS = {"red": (0, 0, 200), "green": (0, 200, 0), "blue": (200, 0, 0), "grey": (99, 99, 99), "black": (0, 0, 0)}


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A model whose vectors are the colours of pictures."""
    path = tmp_path / "colours.tflite"
    path.write_bytes(pool_model().content)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "colours"
    made.mkdir()
    for name, colour in COLOURS.items():
        cv2.imwrite(str(made / f"{name}.png"), np.full((16, 16, 3), colour, np.uint8))
    return made


def test_a_folder_becomes_a_catalogue_in_which_the_nearest_is_found(
    folder: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts, probe = tmp_path / "parts.npz", tmp_path / "what-is-it.png"
    cv2.imwrite(str(probe), np.full((9, 9, 3), (20, 180, 40), np.uint8))
    assert main(["embed", str(folder), "--model", model, "--out", str(parts)]) == 1
    assert "black.png: its vector is zero; it is left out" in capsys.readouterr().err
    with np.load(parts) as made:
        assert made["labels"].tolist() == ["blue", "green", "grey", "red"]
    assert main(["embed", str(probe), "--model", model, "--search", str(parts), "--top-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[2:]] == ["green", "grey"]
    assert main(["embed", str(probe), "--model", model, "--search", str(parts), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [match["label"] for match in printed["pictures"][0]["nearest"]] == ["green", "grey", "red", "blue"]
    assert printed["similarity"] is None
    assert main(["embed", str(probe), "--search", str(parts)]) == 78
    assert "make it anew: edged embed" in capsys.readouterr().err


def test_a_configuration_sets_the_model(
    folder: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts, config = tmp_path / "parts.npz", tmp_path / "edged.yaml"
    config.write_text(
        f"model: {{path: {model}, l2_normalize: true}}\n"
        "cameras: {a: {source: 'pattern:'}}\n"
        "references: {parts: {catalogue: parts.npz}}\n"
    )
    pictures = [str(folder / "red.png"), str(folder / "red.png"), str(folder / "blue.png")]
    assert main(["embed", "-c", str(config), *pictures, "--out", str(parts)]) == 1
    assert "red.png: is given twice; it is left out" in capsys.readouterr().err
    assert main(["check", "-c", str(config)]) == 0
    with np.load(parts) as made:
        assert np.linalg.norm(made["vectors"], axis=1) == pytest.approx([1, 1])
    assert main(["embed", "-c", str(config), "--head", "1", *pictures]) == 1
    assert "--head: the configuration (-c) sets that already" in capsys.readouterr().err
    config.write_text(config.read_text().replace("l2_normalize: true", "l2_normalize: false"))
    assert main(["check", "-c", str(config)]) == 78
    printed = capsys.readouterr().err
    assert printed.startswith(f"{config}:3:33: references.parts.catalogue: {parts}: its vectors are of space ")
    assert f"edged embed -c {config} PICTURES --out {parts}" in printed


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["a/1.jpg", "b/2.jpg"], ["1", "2"]),
        (["a/1.jpg", "a/1.png"], ["1.jpg", "1.png"]),
        (["a/1.jpg", "b/1.jpg", "b/2.jpg"], ["a/1.jpg", "b/1.jpg", "b/2.jpg"]),
        ([], []),
    ],
)
def test_labels_are_the_shortest_names_that_differ(paths: list[str], labels: list[str]) -> None:
    assert labels_of([Path(path) for path in paths]) == labels
