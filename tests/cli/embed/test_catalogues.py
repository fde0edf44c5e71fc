"""``edged embed`` writes catalogues and searches them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.cli import main
from edged.label_text import unescaped
from tests.vision.pool_models import pool_model

CASES = Path(__file__).parents[2] / "cases" / "pictures"
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


def test_labels_are_the_names_of_the_files_and_none_is_lost(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["at 9.52\u202fAM", "at 9.52 AM", "می\u200cروم", "میروم", "a\nb", "a?b", "a\\b"]
    for name in names:
        cv2.imwrite(str(tmp_path / "made.png"), np.full((9, 9, 3), 99, np.uint8))
        (tmp_path / "made.png").rename(tmp_path / f"{name}.png")
    parts = tmp_path / "parts.npz"
    assert main(["embed", str(tmp_path), "--model", model, "--out", str(parts)]) == 0
    with np.load(parts) as made:
        labels = made["labels"].tolist()
    assert sorted(map(unescaped, labels)) == sorted(names)
    assert {"at 9.52\u202fAM", "می\u200cروم", "a\\x0ab"} < set(labels)
    assert main(["embed", str(tmp_path / "a?b.png"), "--model", model, "--search", str(parts), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["pictures"][0]["nearest"]
    assert {match["label"] for match in found} <= set(labels)


def test_a_name_that_makes_no_label_is_refused_before_anything_is_embedded(
    folder: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / f"{'x' * 220}.png").write_bytes((folder / "red.png").read_bytes())
    assert (
        main(
            [
                "embed",
                str(folder),
                "--model",
                model,
                "--out",
                str(tmp_path / "a.npz"),
                "--save-input",
                str(tmp_path / "inputs"),
            ]
        )
        == 78
    )
    assert "its label would have 220 characters, and 200 are permitted" in capsys.readouterr().err
    assert not list((tmp_path / "inputs").iterdir())


def test_pictures_that_cannot_be_used_are_named(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = tmp_path / "pictures"
    shutil.copytree(CASES, pictures)
    (pictures / "a.heic").touch()
    (pictures / "._whole.jpg").write_bytes(b"Mac OS X")
    assert main(["embed", str(pictures), "--model", model]) == 1
    printed = capsys.readouterr().err.splitlines()
    assert (
        f"edged embed: {pictures}: pictures in formats that edged does not read are passed over (1 .heic)" in printed[0]
    )
    (refusal,) = (line for line in printed[1:] if line.startswith("edged embed: "))
    assert refusal.startswith(f"edged embed: {pictures}/hole.jpg: ")
    assert refusal.endswith("a damaged JPEG: bytes are missing from its middle")


def test_a_configuration_sets_the_background(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clear, config = tmp_path / "clear.png", tmp_path / "edged.yaml"
    cv2.imwrite(str(clear), np.zeros((9, 9, 4), np.uint8))
    text = f"model: {{path: {model}}}\ncameras: {{a: {{source: 'pattern:'}}}}\n"
    vectors = []
    for extra in ("", "background: [0, 0, 255]\n"):
        config.write_text(text + extra)
        assert main(["embed", "-c", str(config), str(clear), "--json"]) == 0
        vectors.append(json.loads(capsys.readouterr().out)["pictures"][0]["vector"])
    assert vectors[0][0] == vectors[0][1] == vectors[0][2] == vectors[1][2] > 0
    assert vectors[1][:2] == [0, 0]
