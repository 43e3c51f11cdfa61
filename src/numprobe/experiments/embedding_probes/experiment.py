"""Every probe on the input and output embeddings, in folds of its own, and the numbers that are misread."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Config, Experiment, Figure, Job, Need, Place, Study
from numprobe.experiments.iterative import (
    IterativeSettings,
    fitted_names,
    iterative_problems,
    own_fit,
    published_fit,
    trains,
)
from numprobe.probes.settings import PUBLISHED_FOR_EMBEDDINGS

_FOLDER = f"results/probes/{{model}}/{inputs.VOCABULARY}/embedding_probes"
#: Probes of which there are published settings.
_PUBLISHED = ("sinusoidal",)


class EmbeddingProbesSettings(IterativeSettings):
    """Settings of `embedding_probes`."""

    folds: int = Field(20, ge=2, le=100, description="Folds of the values for the closed-form probes.")
    published: bool = Field(
        False,
        description="Fit `sinusoidal` a second time with the settings of arXiv 2506.08966 (no standardised inputs; "
        "50,000 steps), so that both are shown.",
    )


def _runs(study: Study, name: str) -> places.Places:
    """Return the models whose numbers are rows of the matrices, and their first untrained controls."""
    return [(run, "") for run, context in study.runs(name) if context == inputs.VOCABULARY]


def _trained(study: Study, name: str) -> places.Places:
    return [run for run in _runs(study, name) if trains(Place(study, name, *run))]


def _trained_as_published(study: Study, name: str) -> places.Places:
    return [run for run in _trained(study, name) if _published(Place(study, name, *run))["kinds"]]


def _published(at: Place) -> dict[str, Any]:
    return published_fit(at, _PUBLISHED, PUBLISHED_FOR_EMBEDDINGS)


def _states(at: Place) -> list[str]:
    return list(at.study.states(at.run, inputs.VOCABULARY))


def _closed_form_files(at: Place) -> list[str]:
    endings = ["", *(f".{control}" for control in inputs.probe_controls(at))]
    return [f"{_FOLDER}/{kind}{ending}.safetensors" for kind in at.study.closed_form for ending in endings]


def _own_files(at: Place) -> list[str]:
    return [f"{_FOLDER}/{name}.safetensors" for name in fitted_names(own_fit(at))]


def _published_files(at: Place) -> list[str]:
    return [f"{_FOLDER}/published/{name}.safetensors" for name in fitted_names(_published(at))]


def _probes(at: Place) -> list[str]:
    trained = [*_own_files(at), *_published_files(at)] if trains(at) else []
    return [file.format(model=at.run) for file in [*_closed_form_files(at), *trained]]


def _misread(at: Place) -> str | list[str]:
    """Return the file of the misread numbers; of controls they are not listed."""
    return "results/tables/non_decodable/{model}.parquet" if inputs.control(at) == "none" else []


def _own_split(at: Place) -> str:
    """Return the name of the split with as many folds as the experiment wants."""
    return at.experiment


def _problems(config: Config, name: str) -> Iterator[str]:
    low, high = config["numbers"]["min"], config["numbers"]["max"]
    entry = needs.entry_of(config, name)
    where, inner = f"experiments['{name}'].folds", config["split"]["inner"]
    if entry["folds"] > high - low + 1:
        yield f"{where}: is {entry['folds']}, but {low}..{high} has only {high - low + 1} values"
    elif inner >= entry["folds"]:
        yield f"{where}: is {entry['folds']}, must be more than split.inner = {inner}"
    yield from iterative_problems(config, name, entry["folds"])


EXPERIMENT = Experiment(
    title="Embedding probes",
    about="every probe on the input and output embeddings, 20-fold",
    group="representation",
    settings=EmbeddingProbesSettings,
    needs=[needs.embedding_rows(), Need(problems=_problems)],
    jobs=[
        Job(
            "fit_embedding_probes",
            places=_runs,
            inputs={"states": _states, "split": inputs.split},
            outputs={"probes": _closed_form_files},
            values={
                "probes": inputs.closed_form,
                "controls": inputs.probe_controls,
                "device": lambda at: str(at.study.config["fitting"]["device"]),
                "split": _own_split,
            },
            module="fit",
            minutes=60,
            fits=True,
        ),
        Job(
            "fit_iterative_embedding_probes",
            places=_trained,
            inputs={"states": _states, "split": inputs.split},
            outputs={"probes": _own_files},
            values={"fit": own_fit, "split": _own_split},
            module="train",
            minutes=600,
        ),
        Job(
            "fit_published_embedding_probes",
            places=_trained_as_published,
            inputs={"states": _states, "split": inputs.split},
            outputs={"probes": _published_files},
            values={"fit": _published, "split": _own_split},
            module="train",
            minutes=600,
        ),
        Job(
            "evaluate_embedding_probes",
            places=_runs,
            inputs={"states": _states, "probes": _probes, "card": inputs.card},
            outputs={"table": "results/tables/embedding_probes/{model}.parquet", "non_decodable": _misread},
            values={
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
            minutes=60,
        ),
    ],
    tables={"embedding_probes": ["evaluate_embedding_probes"], "non_decodable": ["evaluate_embedding_probes"]},
    folds="folds",
    # The table of misread numbers has no rows for models without probes.
    notes={"non_decodable": lambda study, name: []},
    figures=[
        Figure(
            "embedding_probes",
            tables=["embedding_probes", "non_decodable"],
            values={"candidates": inputs.candidates, "numbers": inputs.numbers},
        )
    ],
)
