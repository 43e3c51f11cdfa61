"""Are the number spaces of different models alike? Representational similarity with nulls."""

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings


class RsaSettings(Settings):
    """Settings of `rsa`."""

    permutations: int = Field(1000, ge=99, description="Permutations of the numbers in each Mantel test.")


def _states(at: Place) -> list[str]:
    """The embedding matrices and bare numbers of all models and their first untrained controls."""
    return [file for run in at.study.bare_runs(at.experiment) for file in at.study.states(*run)]


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
            inputs={
                "states": _states,
                "cards": inputs.cards,
                "matched": inputs.matched_of_all,
                "tokens": inputs.matched_tokens,
            },
            outputs={"table": "results/tables/rsa/all.parquet"},
            settings=["permutations"],
            values={"resamples": inputs.resamples, "seed": inputs.seed},
        )
    ],
    tables={"rsa": ["evaluate_rsa"]},
    figures=[Figure("rsa", tables=["rsa"])],
)
