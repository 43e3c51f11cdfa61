"""What the messages of a failed run advise, done to the letter."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_UNLOCK = re.compile(r"--unlock")


@dataclass(frozen=True)
class Surroundings:
    """What the harness does for a user who follows advice.

    Attributes
    ----------
    folder
        Where the study runs: paths of messages are relative to it.
    unlock
        Runs `snakemake --unlock`.
    free_space
        Frees disk space.
    replace
        Puts a file that the user brought (a model, a text) in its place again.
    """

    folder: Path
    unlock: Callable[[], None] = field(default=lambda: None)
    free_space: Callable[[], None] = field(default=lambda: None)
    replace: Callable[[Path], None] = field(default=lambda path: None)


def follow(output: str, around: Surroundings) -> list[str]:
    """Follow the advice in what a run printed, each message once, before the run that all of it ends in.

    Returns
    -------
    list
        What was done. Empty if nothing was advised but to run again, or nothing at all.
    """
    done = []
    if _UNLOCK.search(output):
        around.unlock()
        done.append("unlock")
    for line in dict.fromkeys(output.splitlines()):
        for pattern, act in _REMEDIES:
            if found := re.search(pattern, line):
                done.append(act(around.folder / subject(line), found, around))
                break
    return list(dict.fromkeys(done))


def subject(message: str) -> str:
    """Return the file that a message is about: the first word that is a path."""
    return next((word.rstrip(":,") for word in message.split() if "/" in word), "")


def _delete(path: Path, _found: re.Match[str], _around: Surroundings) -> str:
    path.unlink(missing_ok=True)
    return f"deleted {path.name}"


def _delete_named(path: Path, found: re.Match[str], around: Surroundings) -> str:
    named = around.folder / found["named"].strip("'`\",.")
    if named.is_dir():
        shutil.rmtree(named)
    else:
        named.unlink(missing_ok=True)
    return f"deleted {named.name}"


def _delete_folder(path: Path, _found: re.Match[str], _around: Surroundings) -> str:
    folder = path if path.is_dir() else path.parent
    shutil.rmtree(folder, ignore_errors=True)
    return f"deleted the folder {folder.name}"


def _allow(path: Path, _found: re.Match[str], _around: Surroundings) -> str:
    # Of a job that failed, Snakemake has removed the outputs: the next run makes the file.
    if not path.exists():
        return f"found {path.name} removed"
    path.chmod(0o644)
    return f"made {path.name} readable"


def _free(_path: Path, _found: re.Match[str], around: Surroundings) -> str:
    around.free_space()
    return "freed disk space"


def _replace(path: Path, _found: re.Match[str], around: Surroundings) -> str:
    around.replace(path)
    return f"put {path.name} in its place again"


# The first that a message holds is done.
_REMEDIES: tuple[tuple[str, Callable[[Path, re.Match[str], Surroundings], str]], ...] = (
    (r"free some disk space|raise the limit", _free),
    (r"(?:right to read|chmod|permission to read)", _allow),
    (r"delete the folder", _delete_folder),
    (r"delete it", _delete),
    (r"delete (?P<named>[^\s,;]*/[^\s,;]+)", _delete_named),
    (r"(?:copy|download|fetch|put) (?:it|the file|the folder|the model)", _replace),
)
