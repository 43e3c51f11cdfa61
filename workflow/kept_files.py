"""Check all files that a target depends on: missing ones are made again, damaged ones end the run.

Snakemake looks for a file only if a job that has to run reads it. A deleted file would not be made again while all
files made from it exist, and a damaged one that no job reads would go unnoticed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged
from snakemake.jobs import Job

from numprobe.errors import NumprobeError
from numprobe.sealed import read_sealed_json, write_sealed_json
from numprobe.verify import find_damage

# Files whose bytes were compared, with size and times; they are not read again until they change.
_COMPARED = Path(".snakemake/compared_files.json")
_SHOWN = 20


def look_after_kept_files(rules: dict[str, Any]) -> None:
    """Make every run and dry run check all files that its target depends on.

    Jobs with a missing output run again, and so do the jobs that depend on them. Temporary files may be missing.

    Parameters
    ----------
    rules
        The namespace of the rules whose files are checked. A workflow that uses these as a module has others beside.

    Raises
    ------
    WorkflowError
        When the graph of jobs is built, if files are damaged that no job will write again.
    """
    update = DAG.update_needrun

    async def update_needrun(dag: DAG, create_inventory: bool = False) -> None:
        await update(dag, create_inventory)
        if not dag.workflow.is_main_process:
            return
        kept = [job for job in dag.jobs if _of(job, rules) and not dag.needrun(job) and not dag.finished(job)]
        missing = [file for job in kept for file in job.output if not _temporary(file) and not await file.exists()]
        if missing:
            dag.forcefiles.update(missing)
            await update(dag)
        # Only once, when the graph is new.
        if create_inventory:
            files = [Path(file) for job in kept if not dag.needrun(job) for file in job.output]
            refuse_damage(files, dry=dag.workflow.dryrun)

    DAG.update_needrun = update_needrun


def _of(job: Job, rules: dict[str, Any]) -> bool:
    return job.rule.module_globals is rules


def _temporary(file: str) -> bool:
    return bool(is_flagged(file, "temp"))


def made_files(dag: DAG) -> list[Path]:
    """Return the outputs of all jobs of a graph."""
    return [Path(file) for job in dag.jobs for file in job.output]


def refuse_damage(files: Iterable[Path], dry: bool = False) -> None:
    """Compare files with their checksums, but states by size only; missing files are skipped.

    Parameters
    ----------
    files
        The files.
    dry
        Whether to compare safetensors files by size only too, which keeps a dry run quick.

    Raises
    ------
    WorkflowError
        If any is damaged.
    """
    states = {file: state for file in files if (state := _state(file)) is not None}
    known = _known()
    new = [file for file, state in states.items() if known.get(str(file)) != state]
    # Name a damaged manifest once, not for every file that it describes.
    found = list(dict.fromkeys(str(bad) for bad in find_damage(new, tensors=not dry, states=False) if bad))
    if found:
        more = [f"and {len(found) - _SHOWN} more: `numprobe verify` lists all"] if len(found) > _SHOWN else []
        raise WorkflowError("\n".join([*found[:_SHOWN], *more]))
    if new and not dry:
        kept = {name: state for name, state in known.items() if Path(name).exists()}
        write_sealed_json(_COMPARED, {**kept, **{str(file): state for file, state in states.items()}})


def _state(file: Path) -> list[int] | None:
    """Return size and times of a file; any write changes the last of them."""
    try:
        found = file.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _known() -> dict[str, list[int]]:
    try:
        return read_sealed_json(_COMPARED)
    except NumprobeError:
        return {}
