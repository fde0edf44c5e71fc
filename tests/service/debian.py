"""A plain Debian to install edged into: in a folder, entered by chroot, or booted with its own systemd.

Needs root, mmdebstrap, and to boot systemd-nspawn (Debian's systemd-container). What is done to it is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
BASES = Path(os.environ.get("EDGED_SERVICE_RIG", "/var/tmp/edged-service-rig"))
PACKAGES = "ca-certificates,python3-venv,systemd-sysv,dbus"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# A copy on write of the base, in a mount namespace of its own: nothing stays mounted, whatever happens.
MOUNT = """\
base=$1 own=$2 project=$3 pip=$4
mount -t overlay overlay -o lowerdir="$base",upperdir="$own/upper",workdir="$own/work" "$own/root"
mkdir -p "$own/root/edged" "$own/root/root/.cache/pip"
mount --bind "$project" "$own/root/edged" && mount -o remount,bind,ro "$own/root/edged"
mount --bind "$pip" "$own/root/root/.cache/pip"
shift 4
"""

CHROOT = (
    MOUNT
    + """\
cd "$own/root"
for folder in proc sys dev; do mount --rbind "/$folder" "$folder"; done
exec chroot . env -i "$@"
"""
)

# Where this machine has no systemd, nobody gives the one in the Debian control groups of its own.
BOOT = (
    MOUNT
    + """\
if [ ! -d /run/systemd/system ]; then
    for groups in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        [ -e "$groups/cgroup.procs" ] || continue
        mkdir -p "$groups/edged-rig" && echo $$ >"$groups/edged-rig/cgroup.procs"
    done
fi
exec setsid systemd-nspawn --quiet --directory="$own/root" --boot --register=no --keep-unit --private-network \
    --resolv-conf=off --link-journal=no --machine=edged-rig systemd.log_target=journal "$@"
"""
)


def lacking(*, to_boot: bool = False) -> str:
    """What a plain Debian would need that is not here; nothing if all is."""
    if os.geteuid() != 0:
        return "only root can make a Debian in a folder"
    tools = ["mmdebstrap", *(["systemd-nspawn"] if to_boot else [])]
    return ", ".join(f"{tool} is not on this machine" for tool in tools if shutil.which(tool) is None)


class Debian:
    """A Debian of the release *suite*."""

    def __init__(self, suite: str) -> None:
        self._base = BASES / suite
        self._own = Path(tempfile.mkdtemp(prefix="edged-debian-"))
        self._nspawn: subprocess.Popen[bytes] | None = None
        for folder in ("upper", "work", "root"):
            (self._own / folder).mkdir()
        (self._own / "upper").chmod(0o755)
        if not (self._base / "etc/debian_version").exists():
            _bootstrap(suite, self._base)

    def run(self, *command: str, **more: str) -> str:
        """Run *command* in the project's folder, not booted; returns what it says. It must succeed."""
        settings = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "PIP_ROOT_USER_ACTION": "ignore", **more}
        passed = re.compile("PIP_(CERT|INDEX_URL|DEFAULT_TIMEOUT)|https?_proxy")
        settings |= {name: value for name, value in os.environ.items() if passed.fullmatch(name)}
        enter = [*self._unshared(CHROOT), *(f"{name}={value}" for name, value in settings.items())]
        return _output([*enter, "sh", "-c", 'cd /edged && exec "$@"', "sh", *command])

    @contextmanager
    def booted(self) -> Iterator[None]:
        """Boot; inside, ``ask`` works. The network is its own and empty."""
        with (self._own / "console").open("wb") as console:
            self._nspawn = subprocess.Popen(
                self._unshared(BOOT), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
            try:
                self._wait_until_up()
                yield
            finally:
                self._power_off()

    def ask(self, *command: str, check: bool = True) -> str:
        """Run *command* in the booted Debian; returns what it says. It must succeed, unless *check* is False."""
        children = self._children()
        enter = ["nsenter", "-t", children[0], "-m", "-u", "-i", "-n", "-p", "-C"] if children else ["false"]
        return _output([*enter, "env", "-i", f"PATH={PATH}", "LANG=C.UTF-8", "SYSTEMD_PAGER=", *command], check=check)

    @property
    def network(self) -> Path:
        """The network namespace of the booted Debian."""
        return Path(f"/proc/{self._children()[0]}/ns/net")

    def remove(self) -> None:
        """Delete what was done to it."""
        shutil.rmtree(self._own, ignore_errors=True)

    def _unshared(self, script: str) -> list[str]:
        cache = Path.home() / ".cache" / "pip"
        cache.mkdir(parents=True, exist_ok=True)
        unshare = ["unshare", "--mount", "--propagation", "private", "bash", "-ec", script, "debian"]
        return [*unshare, str(self._base), str(self._own), str(PROJECT), str(cache)]

    def _children(self) -> list[str]:
        """The processes that systemd-nspawn has started: mostly one, which is the init of the Debian."""
        assert self._nspawn is not None, "ask before booted"
        return Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()

    def _wait_until_up(self) -> None:
        assert self._nspawn is not None
        deadline = time.monotonic() + 60
        while self.ask("systemctl", "is-system-running", check=False).strip() not in ("running", "degraded"):
            console = (self._own / "console").read_text(errors="replace")
            assert self._nspawn.poll() is None, f"it does not boot: {console}"
            assert time.monotonic() < deadline, f"it is not up after a minute: {console}"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(0.2)

    def _power_off(self) -> None:
        assert self._nspawn is not None
        self.ask("systemctl", "poweroff", "--no-block", check=False)
        try:
            self._nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        for groups in Path("/sys/fs/cgroup").glob("**/edged-rig"):
            for folder in sorted(groups.rglob("*/"), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            with contextlib.suppress(OSError):
                groups.rmdir()


def _bootstrap(suite: str, base: Path) -> None:
    """Make the Debian that others are copies of: about 250 MB, and half a minute."""
    shutil.rmtree(base, ignore_errors=True)
    new = base.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    _output(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", suite, str(new), *_mirror()])
    for file in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", file).exists():
            (new / file).unlink(missing_ok=True)
            shutil.copy(Path("/", file), new / file)
    for unit in ("console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer"):
        (new / "etc/systemd/system" / unit).symlink_to("/dev/null")
    new.rename(base)


def _mirror() -> list[str]:
    """Where this machine's own packages come from; mmdebstrap's default if it does not say."""
    for file, pattern in (
        ("/etc/apt/sources.list.d/debian.sources", r"^URIs: *(\S+)"),
        ("/etc/apt/sources.list", r"^deb\s.*?(\w+://\S+/debian/?)\s"),
    ):
        if Path(file).exists() and (found := re.search(pattern, Path(file).read_text(), re.MULTILINE)):
            return [found[1]]
    return []


def _output(command: list[str], *, check: bool = True) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0 or not check, f"{command[-6:]} ended with {done.returncode}: {done.stdout}"
    return done.stdout
