"""Checks of the board: its clock, health and memory, and the cameras."""

from __future__ import annotations

from collections.abc import Iterator

from edged.board import PAST, Board, conditions
from edged.service.doctor.finding import Finding, ok, warning

__all__ = ["board_findings", "cameras", "machine"]

MIB = 1 << 20
LITTLE_MEMORY = 200 * MIB  # a daemon with one camera and the bundled model takes 130 to 170
HOT_CELSIUS = 80.0
COLDER = "a heat sink or a fan, or more room around the board"
_MORE_POWER = "use the board's own power supply and a short cable, and few USB devices without supply of their own"


def machine(_: str | None) -> Iterator[Finding]:
    """Check the board, and whether its clock is synchronised."""
    from edged.pipeline.wall_clock import clock_synced

    yield from board_findings(Board())
    match clock_synced():
        case True:
            yield ok("clock", "synchronised")
        case False:
            cure = "sudo timedatectl set-ntp true, and a network to reach the time servers by"
            yield warning("clock", "not synchronised: the times in messages may be wrong", cure)
        case None:
            yield ok("clock", "the kernel does not report whether it is synchronised")


def board_findings(board: Board) -> Iterator[Finding]:
    """Check temperature, power and memory of *board*."""
    health, model = board.read(), board.model or "this machine"
    if health.temp_c is None:
        yield ok("temperature", f"{model} does not report it")
    elif health.temp_c >= HOT_CELSIUS:
        yield warning("temperature", f"{model} is at {health.temp_c:.0f} °C and slows itself down", COLDER)
    else:
        yield ok("temperature", f"{model} is at {health.temp_c:.0f} °C")
    if health.throttled is not None:
        yield from _power(health.throttled)
    if health.cma_free_bytes is not None and health.cma_total_bytes is not None:
        free, total = health.cma_free_bytes // MIB, health.cma_total_bytes // MIB
        yield ok("camera memory", f"{free} of {total} MiB (CMA) are free")
    yield from _memory(board)


def _power(bits: int) -> Iterator[Finding]:
    held, before = conditions(bits), conditions(bits >> PAST)
    if held or before:
        words = [*(f"{words} now" for words in held), *(f"{words} before" for words in before if words not in held)]
        cure = _MORE_POWER if bits & (1 | 1 << PAST) else COLDER
        yield warning("power", ", ".join(words), cure)
    else:
        yield ok("power", "nothing holds the board back")


def _memory(board: Board) -> Iterator[Finding]:
    memory = board.memory()
    if "MemAvailable" not in memory:
        return
    words = f"{memory['MemAvailable'] // MIB} of {memory.get('MemTotal', 0) // MIB} MiB are available"
    if memory["MemAvailable"] < LITTLE_MEMORY:
        yield warning("memory", f"{words}; a daemon takes 130 to 170", "end other programs, or add zram swap")
    else:
        yield ok("memory", words)


def cameras(_: str | None) -> Iterator[Finding]:
    """Check the cameras of this machine, as ``edged devices`` lists them, and whether they may be opened."""
    from edged.camera.devices import list_cameras
    from edged.camera.pi.survey import is_installed

    found = list_cameras()
    for camera in found:
        words = f"{camera.card}: {camera.source}"
        if camera.problem:
            yield warning("camera", f"{words}: {camera.problem}")
        elif camera.holders:
            yield ok("camera", f"{words}, in use by {', '.join(map(str, camera.holders))}")
        else:
            yield ok("camera", words)
    if "Raspberry Pi" in (Board().model or "") and not is_installed():
        cure = "sudo apt install python3-picamera2, and an environment made with --system-site-packages"
        yield warning("camera", "picamera2 is not there, which a Raspberry Pi's own cameras need", cure)
    if not found:
        cure = "if there should be one, 'edged devices' prints what to check"
        yield warning("camera", "there is neither a USB nor a Raspberry Pi camera", cure)
