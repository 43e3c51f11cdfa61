"""A copy of a finished study, in which a fault is injected and which is run again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workflow.every import command, environment

#: Seconds after which a run counts as hanging.
_LONGEST = 1200
# Root reads every file; without these capabilities it reads what its mode lets it read.
_WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@dataclass(frozen=True)
class Ended:
    """How a run of the workflow ended."""

    code: int
    output: str


@dataclass
class Study:
    """A study in a folder of its own.

    Attributes
    ----------
    folder
        The folder, which holds `results`.
    limited
        Whether jobs run without the rights that root has over files that it may not read.
    path
        Folders that are searched for programs before the usual ones.
    """

    folder: Path
    limited: bool = False
    path: list[Path] = field(default_factory=list)

    def run(self, targets: Sequence[str]) -> Ended:
        """Run the workflow until it has made the targets."""
        process = self.start(targets)
        try:
            output, _ = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Ended(-1, f"hung for {_LONGEST} seconds\n{process.communicate()[0]}")
        return Ended(process.returncode, output)

    def start(self, targets: Sequence[str]) -> "subprocess.Popen[str]":
        """Start the workflow, in a session of its own."""
        words = command(*targets)
        return subprocess.Popen(
            [*_WITHOUT_RIGHTS, *words] if self.limited else words,
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        usual = environment()
        return {**usual, "PATH": os.pathsep.join([*map(str, self.path), usual["PATH"]])}

    def remove(self, *files: str) -> None:
        """Remove files, so that a run makes them again."""
        for file in files:
            (self.folder / file).unlink(missing_ok=True)


@contextmanager
def copied(reference: Path, folder: Path) -> Iterator[Study]:
    """Yield a copy of a finished study with the times of its files; it is removed afterwards."""
    shutil.copytree(reference, folder, symlinks=True)
    try:
        yield Study(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def job_of(process: "subprocess.Popen[str]", program: str) -> int | None:
    """Return the id of a program's process in the session of a run, or None."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            words = _command_line(path)
            if len(words) > 1 and words[1].endswith(f"/{program}.py") and _session(path) == process.pid:
                return int(path.name)
    return None


def _command_line(path: Path) -> list[str]:
    try:
        return (path / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def _session(path: Path) -> int:
    try:
        return os.getsid(int(path.name))
    except ProcessLookupError:
        return -1


@contextmanager
def small_disk(folder: Path, free: int) -> Iterator["Disk"]:
    """Put a folder on a disk of its own with little room, as long as the block lasts.

    Parameters
    ----------
    folder
        Its files are moved there, and back afterwards.
    free
        Bytes that are left, in whole pages.
    """
    disk = Disk(folder)
    disk.mount()
    try:
        disk.fill(free)
        yield disk
    finally:
        disk.unmount()


@dataclass
class Disk:
    """A folder on a small tmpfs."""

    folder: Path

    def mount(self) -> None:
        """Move the folder to a disk of 16 MiB."""
        aside = self._aside()
        self.folder.rename(aside)
        self.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(self.folder)], check=True)
        shutil.copytree(aside, self.folder, dirs_exist_ok=True)
        shutil.rmtree(aside)

    def fill(self, free: int) -> None:
        """Fill the disk up to so many bytes."""
        state = os.statvfs(self.folder)
        blocks = max(0, state.f_bavail - free // state.f_bsize)
        self._ballast().write_bytes(bytes(blocks * state.f_bsize))

    def free(self) -> None:
        """Free the space again."""
        self._ballast().unlink(missing_ok=True)

    def unmount(self) -> None:
        """Move the folder back."""
        self.free()
        aside = self._aside()
        shutil.copytree(self.folder, aside)
        subprocess.run(["umount", str(self.folder)], check=True)
        shutil.rmtree(self.folder)
        aside.rename(self.folder)

    def _aside(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.aside")

    def _ballast(self) -> Path:
        return self.folder / ".ballast"


def can_mount(folder: Path) -> bool:
    """Return whether this user may mount a tmpfs at a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True).returncode:
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True


def can_limit_rights() -> bool:
    """Return whether jobs can be kept from files whose mode forbids it: but for a root without `setpriv`."""
    return os.getuid() != 0 or shutil.which(_WITHOUT_RIGHTS[0]) is not None


def limited_python(folder: Path, size: int) -> Path:
    """Write a `python` into a folder whose processes may write no file of more than `size` bytes; return the folder.

    In place of a full disk, where mounting is not allowed. Writing more is the error EFBIG, as SIGXFSZ is ignored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = (
        f"#!{sys.executable}\n"
        "import os, resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n"
    )
    (folder / "python").write_text(program)
    (folder / "python").chmod(0o755)
    return folder


def wait_for(condition, seconds: float, step: float = 0.002) -> bool:
    """Wait until a condition holds; return whether it did within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return False
