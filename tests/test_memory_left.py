"""The memory that is left, by made-up files of a kernel."""

from __future__ import annotations

from pathlib import Path

from edged.memory_left import memory_left

MIB = 1 << 20


def machine(root: Path, available: int, group: str = "/") -> Path:
    """Write a machine with *available* MiB, where the process is in the control group *group*; returns its folder."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal:  900000 kB\nMemFree:  1 kB\nMemAvailable: {available << 10} kB\n")
    (root / "proc/self/cgroup").write_text(f"0::{group}\n")
    folder = root / "sys/fs/cgroup" / group.strip("/")
    folder.mkdir(parents=True)
    return folder


def limit(group: Path, most: int | str, used: int, cached: int = 0) -> None:
    (group / "memory.max").write_text(f"{most if isinstance(most, str) else most * MIB}\n")
    (group / "memory.current").write_text(f"{used * MIB}\n")
    (group / "memory.stat").write_text(f"anon 5\ninactive_file {cached * MIB}\nactive_file 0\n")


def test_it_is_what_the_machine_has_where_the_service_has_no_limit(tmp_path: Path) -> None:
    limit(machine(tmp_path, 250, "/system.slice/edged.service"), "max", 100)
    assert memory_left(tmp_path) == 250 * MIB


def test_it_is_what_the_limit_of_the_service_leaves_and_the_cache_counts_as_left(tmp_path: Path) -> None:
    limit(machine(tmp_path, 250, "/system.slice/edged.service"), 300, used=200, cached=30)
    assert memory_left(tmp_path) == 130 * MIB


def test_limits_of_the_groups_around_it_count_too(tmp_path: Path) -> None:
    group = machine(tmp_path, 250, "/system.slice/edged.service")
    limit(group, 300, used=200)
    limit(group.parent, 400, used=350)
    assert memory_left(tmp_path) == 50 * MIB
    limit(tmp_path / "sys/fs/cgroup", 500, used=480)  # a container sees its own group as the top
    assert memory_left(tmp_path) == 20 * MIB


def test_it_is_unknown_where_the_kernel_does_not_report_it(tmp_path: Path) -> None:
    assert memory_left(tmp_path) is None


def test_it_is_known_here() -> None:
    left = memory_left()
    assert left is not None
    assert left > 64 * MIB
