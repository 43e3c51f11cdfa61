"""Inject a fault into a copy of a finished study, run it, do what its messages advise, and say what came of it."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults.advice import Surroundings, follow
from faults.damage import DAMAGES, damage_file
from faults.plan import AT_REST, Fault
from faults.study import (
    Ended,
    Study,
    can_limit_rights,
    can_mount,
    copied,
    job_of,
    limited_python,
    small_disk,
    wait_for,
)

#: Runs after advice, at most: one for each file that may be damaged by one fault, and one more.
_ROUNDS = 4
_COMPARED = {".parquet", ".safetensors", ".csv", ".json", ".md"}
_NOT_COMPARED = ("results/logs/", "results/benchmarks/")
_COMPLAINT = re.compile(r"error|denied|damaged|cannot|no space", re.IGNORECASE)
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\)|PanicException", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of a fault.

    Attributes
    ----------
    fault
        The fault.
    detected
        A run failed, and its output names the file or, where a process was killed, the job.
    recovered
        After what the messages advise all files are what they were.
    silent
        A run ended well, and a file is not what it was.
    skipped
        Why the fault could not be injected here; empty if it was.
    clear
        No failed run printed a traceback of a job.
    told
        The last messages, for whoever reads the log.
    done
        What was done on advice.
    """

    fault: Fault
    detected: bool = False
    recovered: bool = False
    silent: bool = False
    skipped: str = ""
    clear: bool = True
    told: str = ""
    done: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [name for name in ("detected", "recovered", "silent") if getattr(self, name)]
        words += [] if self.clear else ["with a traceback"]
        words += [f"skipped: {self.skipped}"] if self.skipped else []
        steps = f" ({', '.join(self.done)})" if self.done else ""
        return f"{self.fault}: {', '.join(words) or 'neither detected nor recovered'}{steps}"


def inject(fault: Fault, reference: Path, folder: Path) -> Outcome:
    """Inject one fault.

    Parameters
    ----------
    fault
        The fault.
    reference
        A finished study.
    folder
        Where the copy lies as long as this lasts.
    """
    if fault.damage == "unreadable" and not can_limit_rights():
        return Outcome(fault, skipped="root reads every file, and there is no setpriv")
    with copied(reference, folder) as study, _INJECTIONS[fault.damage](fault, study) as (first, around):
        return _recover(fault, reference, study, first, around)


def _recover(fault: Fault, reference: Path, study: Study, ended: Ended, around: Surroundings) -> Outcome:
    """Follow the advice of failed runs until one ends well, or nothing is advised that was not done."""
    told, done, detected, clear = "", [], False, True
    for _ in range(_ROUNDS):
        if ended.code == 0:
            break
        told = ended.output
        detected |= _names(fault, told)
        clear &= not _TRACEBACK.search(told)
        steps = follow(told, around)
        done += steps
        if not steps and not _ends_in_another_run(fault, told):
            return Outcome(fault, detected, clear=clear, told=told[-6000:], done=tuple(done))
        study.path.clear()
        ended = study.run([fault.kind.target])
    if ended.code:
        return Outcome(fault, detected, clear=clear, told=ended.output[-6000:], done=tuple(done))
    changed = _changed(fault, reference, study)
    told = told[-6000:] + "".join(f"\n{line}" for line in changed)
    return Outcome(fault, detected, not changed, bool(changed), clear=clear, told=told, done=tuple(done))


def _names(fault: Fault, output: str) -> bool:
    """Whether a failed run says what is wrong: of a killed process, that a job failed or the folder is locked."""
    if fault.damage.endswith("killed"):
        return bool(re.search(r"Error in (local)?rule|--unlock", output))
    path = Path(fault.kind.path)
    # The disk may be full before that file's turn comes.
    name = path.parent.name if fault.damage == "full disk" else path.name
    return any(name in line and _COMPLAINT.search(line) for line in output.splitlines())


def _ends_in_another_run(fault: Fault, output: str) -> bool:
    """Whether a plain run is what is advised, or what a user does whose job was killed."""
    return fault.damage.endswith("killed") or bool(re.search(r"(run|start\w*|train) .*again", output))


def _changed(fault: Fault, reference: Path, study: Study) -> list[str]:
    """Return the results that are not those of the undisturbed run, byte by byte.

    Files that were deleted on advice may be missing unless they are what was asked for, damaged or removed.
    """
    wanted = {fault.kind.path, fault.kind.read_for, fault.kind.target}
    changed = []
    for path in sorted((reference / "results").rglob("*")):
        name = path.relative_to(reference).as_posix()
        now = study.folder / name
        if path.suffix not in _COMPARED or name.startswith(_NOT_COMPARED):
            continue
        if not now.exists():
            changed += [f"{name} is missing"] * (name in wanted)
        elif now.read_bytes() != path.read_bytes():
            changed.append(f"{name} has other bytes")
    return changed


def _surroundings(study: Study, **others: object) -> Surroundings:
    return Surroundings(study.folder, unlock=lambda: study.run(["--unlock"]), **others)


@contextmanager
def _damaged(fault: Fault, study: Study) -> Iterator[tuple[Ended, Surroundings]]:
    """Damage a file, at rest or as soon as it is made, and let the job run that reads it."""
    random = Random(fault.seed)
    ended = _run_upon(fault, study, lambda path: damage_file(path, fault.damage, fault.place, random))
    yield ended, _surroundings(study)


@contextmanager
def _unreadable(fault: Fault, study: Study) -> Iterator[tuple[Ended, Surroundings]]:
    """Take the right to read a file away, at rest or as soon as it is made, and let the job run that reads it."""
    study.limited = os.getuid() == 0
    yield _run_upon(fault, study, lambda path: path.chmod(0)), _surroundings(study)


def _run_upon(fault: Fault, study: Study, change: Callable[[Path], None]) -> Ended:
    """Change a file at the fault's moment, and run the job that reads it."""
    path = study.folder / fault.kind.path
    study.remove(fault.kind.read_for)
    if fault.moment == AT_REST:
        change(path)
        return study.run([fault.kind.target])
    study.remove(fault.kind.path)
    process = study.start([fault.kind.target])
    if wait_for(lambda: path.exists() or process.poll() is not None, 600) and path.exists():
        change(path)
    output, _ = process.communicate()
    return Ended(process.returncode, output)


@contextmanager
def _full_disk(fault: Fault, study: Study) -> Iterator[tuple[Ended, Surroundings]]:
    """Let the job run that makes a file, on a disk that has room for half of it."""
    path = study.folder / fault.kind.path
    room = path.stat().st_size // 2
    study.remove(fault.kind.path, fault.kind.read_for)
    if not can_mount(study.folder / "disk"):
        study.path = [limited_python(study.folder / "bin", room)]
        yield study.run([fault.kind.target]), _surroundings(study, free_space=study.path.clear)
        return
    with small_disk(path.parent, room) as disk:
        yield study.run([fault.kind.target]), _surroundings(study, free_space=disk.free)


@contextmanager
def _killed(fault: Fault, study: Study) -> Iterator[tuple[Ended, Surroundings]]:
    """Kill the job that makes a file, or the whole workflow: while the file is written, or at a moment before."""
    random, path = Random(fault.seed), study.folder / fault.kind.path
    study.remove(fault.kind.path, fault.kind.read_for)
    process = study.start([fault.kind.target])
    found: list[int] = []

    def started() -> bool:
        job = job_of(process, fault.kind.maker)
        found.extend([] if job is None else [job])
        return bool(found) or process.poll() is not None

    wait_for(started, 600, 0.02)
    wait_for(lambda: any(path.parent.glob(f".{path.name}.*.partial")), random.uniform(0.2, 3))
    if fault.damage == "job killed":
        _kill(found[0] if found else process.pid)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    output, _ = process.communicate()
    yield Ended(process.returncode, output), _surroundings(study)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        # It ended in the meantime: nothing was killed, and nothing may have changed.
        return


_INJECTIONS = {
    **dict.fromkeys(DAMAGES, _damaged),
    "unreadable": _unreadable,
    "full disk": _full_disk,
    "job killed": _killed,
    "workflow killed": _killed,
}
