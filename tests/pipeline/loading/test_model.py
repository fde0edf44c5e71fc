"""The model that a configuration asks for: read before anything opens, tried, and stood in for."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.config import ConfigFileError, Loaded, environment, load_text
from edged.errors import InferenceError
from edged.pipeline.loading.model import default_model_note, open_model, read_fallback_file, read_model_file
from edged.pipeline.loading.references import open_references
from edged.vision.embedder import Embedder
from tests.vision.pool_models import pool_model
from tests.vision.stub import build_stub

Configure = Callable[..., Loaded]

CPU = pool_model("cpu")


@pytest.fixture(scope="session")
def stub_delegate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_stub(tmp_path_factory.mktemp("delegate"))


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test; the starts make it."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state" / "edged"))
    return tmp_path / "state" / "edged"


@pytest.fixture
def configure(tmp_path: Path, memory: Path) -> Configure:
    """A configuration with the section ``model`` of the test, and models to choose from."""
    for model in (CPU, pool_model("tpu", compiled=True), pool_model("other", zero_point=200)):
        (tmp_path / f"{model.name}.tflite").write_bytes(model.content)

    def configured(model: str, references: str = "{}") -> Loaded:
        text = f"cameras: {{a: {{source: 'usb:camera'}}}}\nmodel: {{{model}}}\nreferences: {references}\n"
        return load_text(text, tmp_path / "edged.yaml")

    return configured


def opened(loaded: Loaded) -> Embedder:
    return open_model(loaded, read_model_file(loaded), read_fallback_file(loaded))


def told(loaded: Loaded) -> str:
    with pytest.raises(ConfigFileError) as caught:
        opened(loaded).close()
    (problem,) = caught.value.problems
    return f"{problem.path}: {problem.rule}"


def test_a_model_is_read_once_and_opened_later(configure: Configure, tmp_path: Path) -> None:
    loaded = configure("path: cpu.tflite")
    model = read_model_file(loaded)
    (tmp_path / "cpu.tflite").unlink()
    with open_model(loaded, model) as embedder:
        assert (embedder.model, embedder.dimension) == (model, 3)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("name: efficientnet-lite9", "model.name: there is no bundled model"),
        ("path: gone.tflite", "model.path: Unable to open file"),
        ("path: cpu.tflite, head: 1", "model.head: model cpu: it has no head 1, but 0"),
        ("path: cpu.tflite, on_failure: fallback, fallback: {path: gone.tflite}", "model.fallback.path: Unable to"),
        ("path: cpu.tflite, on_failure: fallback, fallback: {name: gone}", "model.fallback.name: there is no bundled"),
    ],
)
def test_a_file_that_cannot_be_used_is_reported_without_a_runtime(
    configure: Configure, model: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.loading.model.open_embedder", None)
    assert told(configure(model)).startswith(problem)


def test_a_model_file_is_tried_once_in_a_child_process(
    configure: Configure, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(configure("path: cpu.tflite")).close()
    assert [file.name.partition("-")[0] for file in memory.iterdir()] == ["trial"]
    monkeypatch.setattr("subprocess.run", None)
    opened(configure("path: cpu.tflite")).close()


def test_a_bundled_model_needs_no_trial(configure: Configure, memory: Path) -> None:
    opened(configure("name: efficientnet-lite0-int8")).close()
    assert not memory.exists()


def test_a_model_that_kills_the_engine_is_refused(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    deadly = "import os, signal; print('edged trial: begun', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr("edged.vision.runtime.trial_process._CHILD", deadly)
    rule = told(configure("path: cpu.tflite, on_failure: fallback, fallback: {name: efficientnet-lite0}"))
    assert rule.startswith("model.path: model cpu: ")
    assert "died of SIGSEGV in a trial run" in rule
    rule = told(configure("name: efficientnet-lite0, on_failure: fallback, fallback: {path: cpu.tflite}"))
    assert rule.startswith("model.fallback: fallback model cpu: ")
    assert "died of SIGSEGV in a trial run" in rule


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ("delegate: {library: ./gone.so}", "delegate"),
        ("delegate: {library: ./gone.so}, engine: ai-edge-litert", "delegate"),
        ("delegate: coral, engine: tflite-runtime", "engine"),
    ],
)
def test_without_a_fallback_a_missing_delegate_or_engine_is_reported(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, settings: str, setting: str
) -> None:
    monkeypatch.setattr("edged.pipeline.loading.model.installed_engines", lambda: ("ai-edge-litert",))
    monkeypatch.setattr("edged.vision.runtime.engine.installed_engines", lambda: ("ai-edge-litert",))
    assert told(configure(f"path: tpu.tflite, {settings}")).startswith(f"model.{setting}: ")


def with_delegate(library: Path, fail: str = "", fallback: str = "cpu") -> str:
    options = {"": "{}", "kill": "{fail: invoke, after: 0, kill: /dev/null}"}.get(fail, f"{{fail: {fail}}}")
    delegate = f"delegate: {{library: {library}, options: {options}}}"
    return f"path: tpu.tflite, {delegate}, on_failure: fallback, fallback: {{path: {fallback}.tflite}}"


def test_a_delegate_that_can_be_had_is_used_and_remembered(
    configure: Configure, stub_delegate: Path, memory: Path
) -> None:
    with opened(configure(with_delegate(stub_delegate))) as embedder:
        assert (embedder.model.name, embedder.delegate) == ("tpu", "external:libstub.so")
        assert memory / f"self-test-{embedder.space_id}.npy" in memory.iterdir()


@pytest.mark.parametrize("fail", ["create", "invoke", "missing", "kill"])
def test_the_fallback_stands_in_and_keeps_the_space(configure: Configure, stub_delegate: Path, fail: str) -> None:
    with opened(configure(with_delegate(stub_delegate))) as embedder:
        space_id = embedder.space_id
    broken = (Path("/gone.so"), "") if fail == "missing" else (stub_delegate, fail)
    with opened(configure(with_delegate(*broken))) as embedder:
        assert (embedder.model.name, embedder.space_id) == ("cpu", space_id)


def test_a_fallback_whose_vectors_differ_is_refused(configure: Configure, stub_delegate: Path) -> None:
    rule = told(configure(with_delegate(stub_delegate, fallback="other")))
    assert rule.startswith("model.fallback: fallback model other is of another embedding space")


def test_a_delegate_that_fails_at_work_is_not_a_wrong_configuration(configure: Configure, stub_delegate: Path) -> None:
    text = with_delegate(stub_delegate, "invoke").partition(", on_failure")[0]
    with pytest.raises(InferenceError):
        opened(configure(text))


def garbage(library: Path, model: str, more: str = "") -> str:
    options = "{garbage: noise, claim: 1}"
    return f"path: {model}.tflite, delegate: {{library: {library}, options: {options}}}{more}"


def test_a_delegate_that_computes_garbage_is_a_wrong_setting(configure: Configure, stub_delegate: Path) -> None:
    rule = told(configure(garbage(stub_delegate, "cpu")))
    assert rule.startswith("model.delegate: delegate external:libstub.so: model cpu does not give the vectors of the")
    assert "(model.delegate_agreement is 0.98)" in rule
    opened(configure(garbage(stub_delegate, "cpu", ", delegate_agreement: 0"))).close()


def test_the_fallback_stands_in_for_garbage(configure: Configure, stub_delegate: Path) -> None:
    with opened(configure(with_delegate(stub_delegate))) as embedder:
        space_id = embedder.space_id
    fallback = ", on_failure: fallback, fallback: {path: cpu.tflite}"
    with opened(configure(garbage(stub_delegate, "tpu", fallback))) as embedder:
        assert (embedder.model.name, embedder.space_id) == ("cpu", space_id)


def test_references_are_decoded_as_the_frames_are(configure: Configure, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(demo / "path-empty.jpg")  # 284 × 138, for a model that takes 8 × 8
    vectors = {}
    for decode in ("full", "reduced"):
        text = f"path: cpu.tflite, decode: {decode}"
        loaded = configure(text, "{r: {images: [a.jpg]}}")
        with opened(loaded) as embedder:
            (group,) = open_references(loaded, embedder).configured
            vectors[decode] = group.rows.rows[0], embedder.space_id
    assert vectors["full"][1] != vectors["reduced"][1]
    assert (vectors["full"][0] != vectors["reduced"][0]).any()


def test_a_file_that_names_no_model_is_told_once_what_to_write(configure: Configure) -> None:
    assert default_model_note(configure("")) == (
        "model: efficientnet-lite0, because none is named. Write 'version: 2' for efficientnet-lite0-int8, up to twice "
        "as fast: with it, catalogues have to be made and thresholds of events tuned again. To keep this one, write "
        "'model: {name: efficientnet-lite0}'"
    )
    for named in ("name: efficientnet-lite0", "name: efficientnet-lite0-int8", "path: cpu.tflite"):
        assert default_model_note(configure(named)) is None
    assert default_model_note(load_text("version: 2\ncameras: {a: {source: 'usb:a'}}", "edged.yaml")) is None


def test_where_the_quantised_model_is_slow_only_version_2_is_told_why(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(environment, "find_spec", lambda _: None)
    assert default_model_note(configure("")) is None
    slow = load_text("version: 2\ncameras: {a: {source: 'usb:a'}}", "edged.yaml")
    note = default_model_note(slow)
    assert note is not None
    assert note.startswith("model: efficientnet-lite0, because on this machine tflite-runtime is slow with ")
