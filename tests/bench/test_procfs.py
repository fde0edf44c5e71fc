"""Processor time and memory of a process, as the kernel counts them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from edged.bench.machine import machine
from edged.bench.procfs import memory_mib, processor_seconds


def test_processor_time_is_counted_by_thread_name() -> None:
    done = threading.Event()
    measured = threading.Event()

    def work() -> None:
        Path("/proc/thread-self/comm").write_text("busy (one) x")
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
        done.set()
        measured.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    assert done.wait(20)
    used = processor_seconds(os.getpid())
    measured.set()
    thread.join()
    assert 0.05 < used["busy (one) x"] < 0.5


def test_memory_is_that_of_the_process() -> None:
    before = memory_mib(os.getpid())
    block = bytearray(os.urandom(1) * (50 << 20))
    assert 40 < memory_mib(os.getpid()) - before < 60
    del block


def test_a_machine_without_such_files_is_described_too(tmp_path: Path) -> None:
    description = machine(tmp_path)
    assert description["board"] is None
    assert description["governor"] is None
    assert description["cores"] == len(os.sched_getaffinity(0))


def test_a_board_has_its_name_and_governor(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.4\0")
    cpufreq = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    cpufreq.mkdir(parents=True)
    (cpufreq / "scaling_governor").write_text("ondemand\n")
    description = machine(tmp_path)
    assert (description["board"], description["governor"]) == ("Raspberry Pi 4 Model B Rev 1.4", "ondemand")
