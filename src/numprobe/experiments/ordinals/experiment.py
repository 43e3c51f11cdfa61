"""Beyond cardinal numbers: months, letters, number words."""

from dataclasses import replace
from typing import Annotated, Literal, get_args

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings, Study
from numprobe.experiments.settings import ONCE

Words = Literal[
    "months",
    "weekdays",
    "letters",
    "years",
    "number words",
    "ordinals",
    "roman",
    "chinese",
    "arabic-indic",
    "devanagari",
    "bengali",
    "fullwidth",
    "superscript",
    "subscript",
]


class OrdinalsSettings(Settings):
    """Settings of `ordinals`."""

    sets: Annotated[list[Words], Field(min_length=1, json_schema_extra=ONCE)] = Field(
        list(get_args(Words)),
        description="Sets of words with an order. A set of which a tokenizer keeps too few words single is skipped, "
        "visibly.",
    )
    permutations: int = Field(
        200, ge=99, description="Permutations of the order of each set (the null; sets are small)."
    )


def _with_untrained(study: Study, experiment: str) -> places.Places:
    models = [model for model, _ in places.run_models(study, experiment)]
    return [(run, "") for model in models for run in (model, *inputs.untrained(study, model))]


def _states(at: Place) -> list[str]:
    """Return the files of the states of a run's words, manifest last."""
    return [file.format(model=at.run) for file in _patterns(at)]


def _untrained_states(at: Place) -> list[str]:
    controls = inputs.untrained(at.study, at.run)
    return [file for control in controls for file in _states(replace(at, run=control))]


def _patterns(at: Place) -> list[str]:
    return inputs.stored_states("results/ordinals/{model}", ["embedding", *inputs.layers(at)])


def _probes(at: Place) -> list[str]:
    """Return the leading probe of a model, fitted on its number embeddings and on the bare number."""
    contexts = [
        context for context in (inputs.VOCABULARY, at.study.bare_context) if (at.run, context) in at.study.runs()
    ]
    return [f"results/probes/{at.run}/{context}/{at.study.leading_probe}.safetensors" for context in contexts]


def _embeddings_only(study: Study, experiment: str) -> list[str]:
    """Return the models of which only the embedding matrices are read, as models that lack the words."""
    run = dict(places.run_models(study, experiment))
    left_out = [model for model in study.models_of(experiment) if model not in run]
    return [f"{model}:word:only the embeddings of this model are read" for model in left_out]


EXPERIMENT = Experiment(
    title="Beyond cardinal numbers",
    about="months, weekdays, letters, years, ordinals, number words, other scripts",
    group="representation",
    settings=OrdinalsSettings,
    needs=[needs.prompts()],
    jobs=[
        Job(
            "extract_ordered",
            places=_with_untrained,
            inputs={"model": inputs.model_files},
            outputs={"states": _patterns},
            settings=["sets"],
            values={"layers": inputs.layers, "extraction": inputs.extraction},
            module="extract",
            memory=3000,
            minutes=60,
            gpu=True,
            states=True,
        ),
        Job(
            "evaluate_ordinals",
            places=places.run_models,
            inputs={"states": _states, "untrained": _untrained_states, "probes": _probes},
            outputs={"table": "results/tables/ordinals/{model}.parquet"},
            settings=["permutations"],
            values={"resamples": inputs.resamples, "seed": inputs.seed},
            memory=3000,
            minutes=120,
        ),
    ],
    tables={"ordinals": ["evaluate_ordinals"]},
    notes={"ordinals": _embeddings_only},
    figures=[Figure("ordinals", tables=["ordinals"])],
)
