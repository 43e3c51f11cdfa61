"""The command: find the model, write the configuration, show the plan, run."""

import argparse
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from numprobe.device import gpu_or_none
from numprobe.errors import NumprobeError
from numprobe.models.card import writing_sentence
from numprobe.models.entry import FoundModel, find_model
from numprobe.names import path_problem
from numprobe.quick_study.configuration import (
    DEFAULT_CONTEXTS,
    MAXIMUM,
    MINIMUM,
    Configuration,
    configuration_text,
    quick_configuration,
)
from numprobe.quick_study.plan import Work, forward_operations
from numprobe.quick_study.snakemake_runs import Planned, plan_run, run_workflow
from numprobe.tell.closing import closing_lines


def run_study(options: argparse.Namespace) -> None:
    """Run the command `numprobe study`.

    Raises
    ------
    NumprobeError
        If an option or the model is wrong, or a job fails.
    """
    cores = _cores(options.cores)
    found = find_model(options.id, MINIMUM, MAXIMUM, options.revision, options.name)
    if "path" in found.entry:
        # The study has a folder of its own, which this path must not depend on.
        found.entry["path"] = str(Path(found.entry["path"]).expanduser().absolute())
        if (problem := path_problem(found.entry["path"])) is not None:
            raise NumprobeError(problem)
    device = gpu_or_none(options.device) or "cpu"
    configuration = quick_configuration(found, options.contexts or DEFAULT_CONTEXTS, device)
    folder = options.out or Path(f"numprobe-{found.entry['name']}")
    text = configuration_text(configuration, _repeated(options))
    _check_folder(folder, configuration)
    planned = _planned(folder, text)
    print(*_plan(found, configuration, planned, cores, device), sep="\n")
    if options.dry_run:
        print(f"Nothing was written. Without --dry-run, {folder}/config.yaml and {folder}/results are.")
        return
    file = _write(folder, text)
    print(f"The study is {file}, its results are in {folder}/results.", flush=True)
    run_workflow(folder, file, cores)
    print(*closing_lines(folder / "results"), sep="\n")


def _plan(found: FoundModel, configuration: Configuration, planned: Planned, cores: int, device: str) -> Iterator[str]:
    """Yield the lines of the plan."""
    name, contexts = found.entry["name"], configuration["contexts"]
    width = found.width or 0
    yield f"{name}: {found.facts.layers} blocks" + (f" of {width} components" if width else "")
    yield writing_sentence(found.told, MINIMUM, MAXIMUM)
    yield f"Contexts: {', '.join(entry['name'] for entry in contexts)}."
    if not planned.jobs:
        yield "Plan: nothing is left to do."
        return
    work = Work(planned.jobs, forward_operations(found.facts.layers, width, contexts))
    where = "" if device == "cpu" else f" and {device}"
    minutes = work.minutes(cores, device)
    told = f"about {minutes:.0f} minutes" if minutes >= 1.5 else "a minute or two"
    yield f"Plan: {planned.jobs} jobs on {cores} core{'s' if cores > 1 else ''}{where}, {told}."
    yield planned.disk
    if found.converted_bytes:
        yield f"Converted weights: about {found.converted_bytes / 1e9:.1f} GB."


def _cores(given: int | None) -> int:
    if given is not None and given < 1:
        raise NumprobeError(f"--cores {given}: name at least one core")
    return given or os.cpu_count() or 1


def _repeated(options: argparse.Namespace) -> str:
    """Return the command line that gives the same configuration."""
    parts = ["numprobe", "study", options.id]
    for option in ("revision", "name"):
        if (value := getattr(options, option)) is not None:
            parts += [f"--{option}", value]
    parts += ["--contexts", *options.contexts] if options.contexts else []
    return shlex.join(parts)


def _check_folder(folder: Path, configuration: Configuration) -> None:
    """Refuse a folder that holds another study, so that nothing of it is overwritten."""
    if folder.exists() and not folder.is_dir():
        raise NumprobeError(f"{folder} is a file: name another folder with --out")
    if (problem := path_problem(str(folder.absolute()))) is not None:
        raise NumprobeError(problem)
    file = folder / "config.yaml"
    if file.exists() and yaml.safe_load(file.read_text(encoding="utf-8")) != configuration:
        raise NumprobeError(
            f"{file} differs from what this command writes: name another folder with --out, or delete it to start over"
        )


def _planned(folder: Path, text: str) -> Planned:
    """Return the plan of a study; one that is not there yet is planned elsewhere, so that nothing of it stays."""
    if (folder / "config.yaml").exists():
        return plan_run(folder, folder / "config.yaml")
    with TemporaryDirectory() as temporary:
        return plan_run(Path(temporary), _write(Path(temporary), text))


def _write(folder: Path, text: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "config.yaml"
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NumprobeError(f"{folder} cannot be written ({error.strerror}): name another folder with --out") from error
    return file
