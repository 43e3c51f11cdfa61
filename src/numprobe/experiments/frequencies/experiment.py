"""Waves that embeddings and hidden states hold, and frequencies that models share."""

from typing import Annotated

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings, Study
from numprobe.runs import Run


class FrequenciesSettings(Settings):
    """Settings of `frequencies`."""

    top: list[Annotated[int, Field(ge=1)]] = Field(
        [10, 20, 50],
        min_length=1,
        description="How many of the strongest frequencies are compared between models.",
        json_schema_extra={"uniqueItems": True},
    )


def _models(study: Study, name: str) -> list[tuple[str, str]]:
    """Return the models whose embedding matrix or bare numbers are read."""
    return [(run, "") for run in dict(study.bare_runs(name)) if Run.parse(run).control == "none"]


def _states(at: Place) -> list[str]:
    """Return the embedding matrix and bare numbers of a model and of its untrained control."""
    runs = [run for run in at.study.bare_runs(at.experiment) if run[0] in (at.run, str(Run(at.run, "untrained")))]
    return [file for run in runs for file in at.study.states(*run)]


def _has_embeddings(at: Place) -> bool:
    return at.run in at.study.models_of(at.experiment, inputs.VOCABULARY)


def _matched(at: Place) -> list[str]:
    return inputs.matched_states(at.study, at.run) if _has_embeddings(at) else []


def _tokens(at: Place) -> list[str]:
    return [inputs.MATCHED_TOKENS] if _has_embeddings(at) else []


EXPERIMENT = Experiment(
    title="Waves layer by layer",
    about="waves of embeddings and hidden states, shared frequencies, and separability beside power",
    group="representation",
    settings=FrequenciesSettings,
    needs=[needs.embedding_rows()],
    jobs=[
        Job(
            "evaluate_frequencies",
            places=_models,
            inputs={"states": _states, "card": inputs.card, "matched": _matched, "tokens": _tokens},
            outputs={"table": "results/tables/frequencies/{model}.parquet"},
            values={"seed": inputs.seed},
            minutes=120,
        ),
        Job(
            "evaluate_shared_frequencies",
            places=places.if_any_bare_run,
            inputs={"states": inputs.bare_states_of_models, **inputs.OF_PAIRS},
            outputs={"table": "results/tables/shared_frequencies/all.parquet"},
            settings=["top"],
            values={"seed": inputs.seed},
            module="shared",
        ),
    ],
    tables={"frequencies": ["evaluate_frequencies"], "shared_frequencies": ["evaluate_shared_frequencies"]},
    figures=[
        Figure("frequencies", tables=["frequencies"]),
        Figure("shared_frequencies", tables=["shared_frequencies"]),
    ],
)
