"""The thread that learns sets of states: it ends in the middle of its work, and does it again with another model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edged.errors import ControlError, EdgedError, ReloadError
from edged.service.control.trainer import Lesson, Trainer
from edged.states import LeftOut


class Inference:
    """An inference that answers calls as *answer* does."""

    def __init__(self, answer: Callable[[Future[Any]], None]) -> None:
        self.name = "inference"
        self.facts = SimpleNamespace(space_id="8a1f", dimension=4)
        self.references = SimpleNamespace(names=())
        self.sets = ()
        self._answer = answer

    def submit(self, _: object) -> Future[Any]:
        future: Future[Any] = Future()
        self._answer(future)
        return future


class Sets:
    """Sets of states, of which each has to be embedded."""

    def define(self, *_: object) -> tuple[Any, ...]:
        return (SimpleNamespace(name="bay"),)

    def learn(self, _: object, definition: object, facts: Any, embed: Callable[..., object], __: object) -> object:
        embed(None, 0, "full")
        raise EdgedError(f"embedded in {facts.space_id}")


def running_stages(inference: Inference) -> Any:
    return SimpleNamespace(
        pipeline=SimpleNamespace(inference=inference, loaded=None, wiring=SimpleNamespace(states=Sets()))
    )


def started(running: Any) -> Trainer:
    trainer = Trainer(running)
    trainer.start(lambda: None)
    return trainer


def test_it_ends_while_it_waits_for_the_inference() -> None:
    asked = threading.Event()
    trainer = started(running_stages(Inference(lambda _: asked.set())))
    learning, waits = trainer.submit(lambda: trainer.learn("bay")), trainer.submit(lambda: None)
    assert asked.wait(10)
    trainer.stop()
    assert trainer.join(10)
    assert trainer.error is None
    with pytest.raises(ControlError) as refused:
        learning.result(0)
    assert refused.value.code == "stopping"
    assert waits.cancelled()


def test_what_a_reload_interrupts_is_done_with_the_next_model() -> None:
    after = Inference(lambda future: future.set_result(None))
    after.facts.space_id = "9b20"
    running = running_stages(Inference(lambda _: None))

    def take_over(future: Future[Any]) -> None:
        running.pipeline = running_stages(after).pipeline
        future.cancel()

    running.pipeline.inference = Inference(take_over)
    trainer = started(running)
    try:
        with pytest.raises(EdgedError, match="embedded in 9b20"):
            trainer.submit(lambda: trainer.learn("bay")).result(10)
    finally:
        trainer.stop()
        assert trainer.join(10)


def test_an_inference_that_ends_without_another_one_is_an_error() -> None:
    def end(future: Future[Any]) -> None:
        future.cancel()

    trainer = started(running_stages(Inference(end)))
    try:
        with pytest.raises(ReloadError, match="inference has ended"):
            trainer.submit(lambda: trainer.learn("bay")).result(10)
    finally:
        trainer.stop()
        assert trainer.join(10)


def test_a_set_that_is_gone_is_a_lesson_without_anything() -> None:
    trainer = started(running_stages(Inference(lambda _: None)))
    try:
        lesson = trainer.submit(lambda: trainer.learn("yard")).result(10)
        assert isinstance(lesson, Lesson)
        assert (lesson.placed, lesson.info) == (None, None)
    finally:
        trainer.stop()
        assert trainer.join(10)


def test_it_ends_between_two_judgements(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, enough = threading.Event(), threading.Event()

    def judge_for_ever(_: object) -> Iterator[LeftOut]:
        while True:
            begun.set()
            enough.wait(0.01)
            yield LeftOut("a", "empty", "empty", 1.0)

    monkeypatch.setattr("edged.service.control.trainer.leave_one_out", judge_for_ever)
    trainer = started(running_stages(Inference(lambda _: None)))
    judging = trainer.submit(lambda: list(trainer._judge(object())))  # type: ignore[arg-type]  # the fake ignores it
    assert begun.wait(10)
    trainer.stop()
    assert trainer.join(10)
    with pytest.raises(ControlError):
        judging.result(0)


def test_a_bug_in_its_work_ends_it_with_an_error(tmp_path: Path) -> None:
    trainer = started(running_stages(Inference(lambda _: None)))
    broken = trainer.submit((tmp_path / "missing").read_bytes)
    with pytest.raises(FileNotFoundError):
        broken.result(10)
    assert trainer.join(10)
    assert isinstance(trainer.error, FileNotFoundError)
