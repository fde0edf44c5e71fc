"""Tests of the wake-up of a network camera."""

from __future__ import annotations

import select

from edged.bell import Bell
from edged.camera.wake_bell import WakeBell


def rings(bell: Bell) -> bool:
    return bool(select.select([bell], [], [], 0)[0])


def test_wake_rings_the_bell_that_is_open() -> None:
    wake_bell = WakeBell()
    bell = wake_bell.open()
    assert not rings(bell)
    wake_bell.wake()
    assert rings(bell)
    assert wake_bell.woken.is_set()
    wake_bell.close()


def test_a_bell_that_is_opened_after_wake_rings_at_once() -> None:
    wake_bell = WakeBell()
    wake_bell.wake()
    assert rings(wake_bell.open())
    assert rings(wake_bell.open()), "each new bell rings"
    wake_bell.close()
