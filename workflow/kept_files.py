"""The files that a run keeps: missing ones are made again, damaged ones end it.

Snakemake looks for a file only where a job that has to run reads it. A file that was deleted while everything made from
it is still there would never come back, and a damaged one that no job reads would stay.
"""

from collections.abc import Iterable
from pathlib import Path

from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged

from numprobe.verify import find_damage

_SHOWN = 20


def look_after_kept_files() -> None:
    """Make every run, and every dry run, look at all files that its target is made from.

    Jobs of which an output is missing run again, and so does what depends on them. Temporary files may be missing.

    Raises
    ------
    WorkflowError
        When the graph of jobs is built, if files are damaged that no job will write anew.
    """
    update = DAG.update_needrun

    async def update_needrun(dag: DAG, create_inventory: bool = False) -> None:
        await update(dag, create_inventory)
        if not dag.workflow.is_main_process:
            return
        kept = [job for job in dag.jobs if not dag.needrun(job) and not dag.finished(job)]
        missing = [file for job in kept for file in job.output if not _temporary(file) and not await file.exists()]
        if missing:
            dag.forcefiles.update(missing)
            await update(dag)
        # Once, when the graph is new.
        if create_inventory:
            _refuse_damage(Path(file) for job in kept if not dag.needrun(job) for file in job.output)

    DAG.update_needrun = update_needrun


def _temporary(file: str) -> bool:
    return bool(is_flagged(file, "temp"))


def _refuse_damage(files: Iterable[Path]) -> None:
    damage = find_damage(filter(Path.exists, files), thorough=False)
    # A manifest is named once, not for every file that it describes.
    found = list(dict.fromkeys(str(bad) for bad in damage if bad))
    if found:
        more = [f"and {len(found) - _SHOWN} more: `numprobe verify` lists all"] if len(found) > _SHOWN else []
        raise WorkflowError("\n".join([*found[:_SHOWN], *more]))
