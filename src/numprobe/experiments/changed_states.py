"""Jobs that ask a model again with some of its states changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numprobe.experiments import inputs, places
from numprobe.experiments.declare import Job, Place, Study

#: Inputs of a job by name.
Files = Mapping[str, Callable[[Place], str | list[str]]]


def operand_job(name: str, table: str, settings: Sequence[str], more: Files | None = None) -> Job:
    """Return a job that changes the states of an operand.

    Parameters
    ----------
    name
        Name of the job.
    table
        Name of its table.
    settings
        Settings of the experiment that it uses, beside the operand and the layers.
    more
        Files that it reads beside the model, the prompts, the patterns and the probe, by name.
    """
    files = {"patterns": inputs.operand_patterns, "probe": inputs.operand_probe, **(more or {})}
    values = {"operand": inputs.operand, "layers": inputs.operand_layers}
    return _asking_job(name, table, settings, places.operands, files, values, 120)


def last_token_job(name: str, table: str, settings: Sequence[str], more: Files, minutes: int = 240) -> Job:
    """Return a job that changes the states of the last token.

    Parameters
    ----------
    name, table, settings
        As for `operand_job`.
    more
        Files that it reads beside the model, the prompts, the patterns and the split, by name.
    minutes
        Run time that it asks for.
    """
    files = {"patterns": inputs.patterns, "split": inputs.split, **more}
    return _asking_job(name, table, settings, places.asked, files, {"layers": inputs.changed_layers}, minutes)


def _asking_job(
    name: str,
    table: str,
    settings: Sequence[str],
    where: Callable[[Study, str], places.Places],
    files: Files,
    values: Mapping[str, Callable[[Place], Any]],
    minutes: int,
) -> Job:
    return Job(
        name,
        places=where,
        inputs={"model": inputs.model_files, "prompts": inputs.prompts, **files},
        outputs={"table": f"results/tables/{table}/{{model}}/{{context}}.parquet"},
        settings=settings,
        values={"asking": inputs.asking, **values, "seed": inputs.seed},
        minutes=minutes,
        gpu=True,
    )
