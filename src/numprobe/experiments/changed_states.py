"""Jobs that ask a model again with some of its states changed."""

from collections.abc import Callable, Mapping, Sequence

from numprobe.experiments import inputs, places
from numprobe.experiments.declare import Job, Place


def operand_job(
    name: str, table: str, settings: Sequence[str], more: Mapping[str, Callable[[Place], str | list[str]]] | None = None
) -> Job:
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
    return Job(
        name,
        places=places.operands,
        inputs={
            "model": inputs.model_files,
            "prompts": inputs.prompts,
            "patterns": inputs.operand_patterns,
            "probe": inputs.operand_probe,
            **(more or {}),
        },
        outputs={"table": f"results/tables/{table}/{{model}}/{{context}}.parquet"},
        settings=settings,
        values={
            "asking": inputs.asking,
            "operand": inputs.operand,
            "layers": inputs.operand_layers,
            "seed": inputs.seed,
        },
        minutes=120,
        gpu=True,
    )


def last_token_job(
    name: str,
    table: str,
    settings: Sequence[str],
    more: Mapping[str, Callable[[Place], str | list[str]]],
    minutes: int = 240,
) -> Job:
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
    return Job(
        name,
        places=places.asked,
        inputs={
            "model": inputs.model_files,
            "prompts": inputs.prompts,
            "patterns": inputs.patterns,
            "split": inputs.split,
            **more,
        },
        outputs={"table": f"results/tables/{table}/{{model}}/{{context}}.parquet"},
        settings=settings,
        values={
            "asking": inputs.asking,
            "layers": inputs.changed_layers,
            "seed": inputs.seed,
        },
        minutes=minutes,
        gpu=True,
    )
