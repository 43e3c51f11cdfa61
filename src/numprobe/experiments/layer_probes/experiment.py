"""Every probe layer by layer, trained by gradient descent or in closed form, and selectivity."""

from collections.abc import Iterator
from typing import Annotated, Any

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
from numprobe.experiments.settings import ONCE, Names
from numprobe.names import unknown_names

_FOLDER = "results/probes/{model}/{context}/layer_probes"
#: Probes of which there are published settings.
_PUBLISHED = ("sinusoidal", "wave")


class LayerProbesSettings(IterativeSettings):
    """Settings of `layer_probes`."""

    contexts: Names | None = Field(
        None, description="Names of the contexts. Those of the kinds `operand` and `result`, if left out."
    )
    published: bool = Field(
        False,
        description="Fit `sinusoidal` and `wave` a second time with the settings of arXiv 2510.26285 (no standardised "
        "inputs; 10,001 and 30,001 steps), so that both are shown.",
    )
    selectivity: Annotated[list[str], Field(json_schema_extra=ONCE)] | None = Field(
        None,
        description="Names of the contexts (kinds `operand` and `result`, 3 prompts of each number or more) in which "
        "selectivity is measured. Those of the kind `operand`, if left out.",
    )
    groups: int = Field(4, ge=3, le=100, description="Groups of prompts for selectivity; one tests, the others train.")


def _runs(study: Study, name: str) -> places.Places:
    """Return the models and contexts whose layers are shown."""
    wanted = study.experiment(name).get("contexts")
    return [
        (model, context)
        for model in study.models_of(name)
        for context in study.contexts_of(model)
        if context in (wanted or study.contexts_of_kind(model, "operand", "result"))
    ]


def _trained(study: Study, name: str) -> places.Places:
    return [(model, context) for model, context in _runs(study, name) if trains(Place(study, name, model))]


def _trained_as_published(study: Study, name: str) -> places.Places:
    return [run for run in _trained(study, name) if _published(Place(study, name, *run))["kinds"]]


def _selective(study: Study, name: str) -> places.Places:
    wanted = study.experiment(name).get("selectivity")
    return [
        (model, context)
        for model, context in _runs(study, name)
        if context in (study.contexts_of_kind(model, "operand") if wanted is None else wanted)
    ]


def _published(at: Place) -> dict[str, Any]:
    return published_fit(at, _PUBLISHED, {"published": True})


def _own_files(at: Place) -> list[str]:
    return [f"{_FOLDER}/{name}.safetensors" for name in fitted_names(own_fit(at))]


def _published_files(at: Place) -> list[str]:
    return [f"{_FOLDER}/published/{name}.safetensors" for name in fitted_names(_published(at))]


def _probes(at: Place) -> list[str]:
    files = [*_own_files(at), *_published_files(at)]
    return [file.format(model=at.run, context=at.context) for file in files]


def _shown(at: Place) -> list[str]:
    """Return the contexts of the figure."""
    return list(dict.fromkeys(context for _, context in _runs(at.study, at.experiment)))


def _refitted(at: Place) -> list[str]:
    """Return the probes of the table `accuracy` that have the published settings."""
    return [entry["name"] for entry in at.study.iterative if entry["published"]]


def _problems(config: Config, name: str) -> Iterator[str]:
    where, split = f"experiments['{name}']", config["split"]
    entry = needs.entry_of(config, name)
    yield from iterative_problems(config, name, split["folds"] if split["scheme"] == "folds" else 1)
    kinds = {context["name"]: context["kind"] for context in config["contexts"]}
    several = [context for context, kind in kinds.items() if kind in ("operand", "result")]
    yield from unknown_names(entry.get("contexts", []), list(kinds), f"{where}.contexts", "contexts")
    yield from unknown_names(
        entry.get("selectivity", []), several, f"{where}.selectivity", "contexts of the kinds operand and result"
    )
    yield from _few_prompts_problems(entry, config, where)


def _few_prompts_problems(entry: Config, config: Config, where: str) -> Iterator[str]:
    """Yield contexts with too few prompts: selectivity trains, chooses and tests on different ones of a number."""
    for context in config["contexts"]:
        measured = context["name"] in entry["selectivity"] if "selectivity" in entry else context["kind"] == "operand"
        if measured and context.get("per_value", 3) < 3:
            yield (
                f"{where}: selectivity in '{context['name']}' needs 3 prompts or more of each number, its per_value is "
                f"{context['per_value']}: raise it, or name other contexts under selectivity ([]: none)"
            )


EXPERIMENT = Experiment(
    title="Layer probes",
    about="every probe layer by layer, with selectivity",
    group="representation",
    settings=LayerProbesSettings,
    needs=[
        Need(
            what="a context of the kind operand or result, or those that it names",
            is_met=lambda study, name: bool(_runs(study, name)),
            problems=_problems,
        ),
        needs.experiments("accuracy"),
    ],
    jobs=[
        Job(
            "fit_iterative_layer_probes",
            places=_trained,
            inputs={"states": inputs.states, "split": inputs.split},
            outputs={"probes": _own_files},
            values={"fit": own_fit},
            module="train",
            minutes=1200,
        ),
        Job(
            "fit_published_layer_probes",
            places=_trained_as_published,
            inputs={"states": inputs.states, "split": inputs.split},
            outputs={"probes": _published_files},
            values={"fit": _published},
            module="train",
            minutes=1200,
        ),
        Job(
            "evaluate_layer_probes",
            places=_trained,
            inputs={"states": inputs.states, "probes": _probes, "card": inputs.card},
            outputs={"table": "results/tables/layer_probes/{model}/{context}.parquet"},
            values={"resamples": inputs.resamples, "seed": inputs.seed},
            minutes=60,
        ),
        Job(
            "evaluate_selectivity",
            places=_selective,
            inputs={"states": inputs.states},
            outputs={"table": "results/tables/selectivity/{model}/{context}.parquet"},
            settings=["groups"],
            values={
                "probes": inputs.closed_form,
                "numbers": inputs.numbers,
                "seed": inputs.seed,
            },
            module="selectivity",
        ),
    ],
    tables={"layer_probes": ["evaluate_layer_probes"], "selectivity": ["evaluate_selectivity"]},
    figures=[
        Figure(
            "layer_probes",
            tables=["accuracy", "layer_probes", "selectivity"],
            values={"candidates": inputs.candidates, "contexts": _shown, "published": _refitted},
        )
    ],
)
