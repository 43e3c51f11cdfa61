"""Representational similarity of the number spaces of all pairs of models, with nulls and controls."""

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Settings


class RsaSettings(Settings):
    """Settings of `rsa`."""

    permutations: int = Field(1000, ge=99, description="Permutations of the numbers, and of the digits, in each test.")


EXPERIMENT = Experiment(
    title="Similarity of the number spaces",
    about="representational similarity of the number spaces of all models",
    group="representation",
    settings=RsaSettings,
    needs=[needs.embedding_rows()],
    jobs=[
        Job(
            "evaluate_rsa",
            places=places.if_any_bare_run,
            inputs={"states": inputs.bare_states, **inputs.OF_PAIRS},
            outputs={"table": "results/tables/rsa/all.parquet"},
            settings=["permutations"],
            values={"resamples": inputs.resamples, "seed": inputs.seed},
        )
    ],
    tables={"rsa": ["evaluate_rsa"]},
    figures=[Figure("rsa", tables=["rsa"])],
)
