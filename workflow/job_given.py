"""Content that a job of an experiment is told: the JSON that `numprobe.experiments.given` reads."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from job_rules import Patterns
from study import Study

from numprobe.experiments.declare import Job, Place


def place_of(study: Study, experiment: str, wildcards: Any) -> Place:
    """Return the run and context that a job works on."""
    return Place(study, experiment, getattr(wildcards, "model", ""), getattr(wildcards, "context", ""))


def job_given(study: Study, experiment: str, job: Job, patterns: Patterns) -> Callable[[Any, Any, Any], str]:
    """Return a function from wildcards, inputs and outputs to what a job is told."""

    def given(wildcards: Any, input: Any, output: Any) -> str:
        at = place_of(study, experiment, wildcards)
        settings = {key: at.setting(key) for key in job.settings}
        content = {
            "inputs": {key: told_files(input.get(key)) for key in job.inputs},
            "outputs": {key: told_output(output.get(key)) for key in patterns},
            "values": settings | {key: find(at) for key, find in job.values.items()},
            "run": at.run,
            "context": at.context,
        }
        return json.dumps(content, sort_keys=True)

    return given


def told_files(files: str | Iterable[str]) -> list[str]:
    """Return the files of an input; of an activation folder the manifest alone, which names the others."""
    files = [files] if isinstance(files, str) else list(files)
    folders = {str(Path(file).parent) for file in files if Path(file).name == "manifest.json"}
    return [file for file in files if Path(file).name == "manifest.json" or str(Path(file).parent) not in folders]


def told_output(files: str | Iterable[str]) -> str:
    """Return the file that a job writes under one name; of several files, their folder."""
    return files if isinstance(files, str) else os.path.commonpath([str(Path(file).parent) for file in files])
