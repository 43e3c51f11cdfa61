"""Run Snakemake on a study in a folder of its own, with the workflow that belongs to this library."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numprobe.errors import NumprobeError
from numprobe.workflow_folder import workflow_folder

#: What a study makes: everything of the default target, and the pages of the number lens.
TARGETS = ["all", "lens"]
_TOTAL = re.compile(r"^total\s+(\d+)$", re.MULTILINE)
_DISK = re.compile(r"^Hidden states: .*$", re.MULTILINE)
_ERROR = "WorkflowError"
# Lines of a message that say where in the workflow's code it arose.
_PLACES = re.compile(r'^(WorkflowError.*|  File ".*|.*INFO\] All done.*)$\n?', re.MULTILINE)


@dataclass(frozen=True)
class Planned:
    """What a dry run says: the number of jobs, and the disk space in words."""

    jobs: int
    disk: str


def plan_run(folder: Path, configuration: Path) -> Planned:
    """Return what a run would do.

    Raises
    ------
    NumprobeError
        With the workflow's own message.
    """
    done = subprocess.run(
        _command(folder, configuration, [*TARGETS, "--dry-run", "--quiet", "rules"], 1),
        env=_environment(),
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise NumprobeError(workflow_message(done.stdout, done.stderr))
    total, disk = _TOTAL.search(said), _DISK.search(said)
    return Planned(int(total[1]) if total else 0, disk[0] if disk else "")


def run_workflow(folder: Path, configuration: Path, cores: int) -> None:
    """Run the study to its figures and pages of the lens, then write its report; Snakemake prints its own progress.

    Raises
    ------
    NumprobeError
        If a job fails.
    """
    report = folder / "results" / "report.html"
    for step, options in (("a job", TARGETS), ("the report", ["--report", str(report.absolute())])):
        done = subprocess.run(_command(folder, configuration, options, cores), env=_environment())
        if done.returncode != 0:
            raise NumprobeError(
                f"{step} failed, as the lines above and {folder}/results/logs say: after mending the cause, run the "
                "same command again; finished jobs are kept"
            )


def _command(folder: Path, configuration: Path, options: Sequence[str], cores: int) -> list[str]:
    workflow = workflow_folder()
    fixed = {
        "--snakefile": workflow / "Snakefile",
        "--workflow-profile": workflow / "profiles" / "default",
        "--directory": folder.absolute(),
        "--cores": cores,
        "--configfile": configuration.absolute(),
    }
    named = [str(part) for pair in fixed.items() for part in pair]
    return [sys.executable, "-m", "snakemake", *options, *named, "--replace-workflow-config"]


def _environment() -> dict[str, str]:
    """Return the environment of Snakemake, in which jobs find this Python first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path}


def workflow_message(*said: str) -> str:
    """Return the workflow's own message in one line.

    Parameters
    ----------
    said
        What Snakemake printed: it puts its errors into one of its two streams.
    """
    text = next((stream for stream in said if _ERROR in stream), "\n".join(said))
    return " ".join(_PLACES.sub("", text[max(text.find(_ERROR), 0) :]).split())
