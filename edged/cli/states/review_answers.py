"""Questions in a terminal about the pictures to review of a set, and lines about the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edged.cli.console import emit
from edged.cli.states.set_text import examples_text, set_lines
from edged.cli.text import printable, some
from edged.errors import ControlError

if TYPE_CHECKING:
    from edged.client.control import ControlClient
    from edged.wire.control_results import AnswerResult, ReviewInfo, ReviewResult

__all__ = ["answer_lines", "ask_all", "chosen_state", "question"]

SKIP, DISCARD, QUIT = "s", "d", "q"


def ask_all(daemon: ControlClient, found: ReviewResult) -> None:
    """Ask what each picture without an answer shows, and send the answers; the end of the input ends it.

    A picture that is gone meanwhile is reported, and the next one follows.

    Raises:
        EdgedError: the daemon refuses.
    """
    entries = [entry for entry in found.entries if entry.answer is None]
    emit(f"\n{choices(found.states)}\n")
    for number, entry in enumerate(entries, 1):
        emit(f"\n{question(entry, number, len(entries))}\n")
        reply = _reply(found.states)
        if reply == QUIT:
            return
        if reply == SKIP:
            continue
        try:
            result = daemon.discard(entry.id) if reply == DISCARD else daemon.answer(entry.id, reply.removeprefix("="))
        except ControlError as refusal:
            if refusal.code != "not-found":
                raise
            emit(f"{refusal}\n")
        else:
            emit("".join(f"{line}\n" for line in answer_lines(result)))


def choices(states: Sequence[str]) -> str:
    """Return what can be typed."""
    numbered = ", ".join(f"{number} or {state}" for number, state in enumerate(states, 1))
    return f"Type {numbered}, or the first letters of a state; s to skip, d to discard a picture, q to quit."


def question(entry: ReviewInfo, number: int, count: int) -> str:
    """Return what is shown of the picture before an answer: where it is, and what the set takes it for."""
    where = f"{entry.camera}/{entry.region}"
    return f"{number} of {count}: {where}, {entry.guess} {entry.p:.2f}?\n{printable(entry.thumbnail)}"


def chosen_state(typed: str, states: Sequence[str]) -> str | None:
    """Return the one of *states* that *typed* is the number, the name or the first letters of; None if none is."""
    if typed in states:
        return typed
    if typed.isascii() and typed.isdigit():
        return states[int(typed) - 1] if 0 < int(typed[:9]) <= len(states) else None
    matching = [state for state in states if typed and state.startswith(typed)]
    return matching[0] if len(matching) == 1 else None


def answer_lines(result: AnswerResult) -> Iterator[str]:
    """Yield what has become of an answer: it waits, or the set has learned it."""
    if result.state is None:
        yield f"{result.picture} is discarded"
    elif not result.changed:
        waiting = " and ".join(f"{some(count, 'answer')} of {state}" for state, count in result.waiting.items())
        yield f"{result.picture} is kept as {result.state}: {waiting} so far"
        others = " or ".join(result.waits_for)
        yield f"learned with the next one of {others}: answers of one state alone make a set worse"
    else:
        yield f"{examples_text(result.changed)} of {result.name} learned"
        if result.set is not None:
            yield from set_lines(result.set)


def _reply(states: Sequence[str]) -> str:
    """Ask until the reply is one: SKIP, DISCARD, QUIT, or a state after an equals sign."""
    while True:
        try:
            typed = input("> ").strip()
        except EOFError:
            return QUIT
        if typed in (SKIP, DISCARD, QUIT):
            return typed
        if (state := chosen_state(typed, states)) is not None:
            return f"={state}"
        emit(f"{choices(states)}\n")
