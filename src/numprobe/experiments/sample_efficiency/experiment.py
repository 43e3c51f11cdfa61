"""The amount of data that each probe needs."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from numprobe.errors import NumprobeError
from numprobe.experiments import inputs, places
from numprobe.experiments.declare import Config, Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.experiments.settings import ONCE, Names
from numprobe.names import unknown_names
from numprobe.runs import MIXED_LAYER, Run

Sizes = Annotated[list[Annotated[int, Field(ge=6)]], Field(json_schema_extra=ONCE)]


class SampleEfficiencySettings(Settings):
    """Settings of `sample_efficiency`."""

    models: Names | None = Field(None, description="Names of the models. All, if left out.")
    contexts: Names | None = Field(
        None,
        description="Names of the contexts (`vocabulary` = the embedding matrices). All, if left out. Contexts with "
        "several prompts per number show accuracy against their count too.",
    )
    layer: str = Field(
        "middle",
        min_length=1,
        description="Which state is read: `middle` (what leaves the middle block) or a name such as `2`.",
    )
    values: Sizes = Field(
        [8, 16, 32, 64, 128, 256, 512, 900],
        min_length=1,
        description="Training numbers of each fit. Where a model has fewer single-token numbers, all that are not held "
        "out take the place of the larger ones.",
    )
    prompts: Annotated[list[Annotated[int, Field(ge=1)]], Field(json_schema_extra=ONCE)] = Field(
        [1, 2, 4, 8],
        min_length=1,
        description="Training prompts of each number, at most; fits with fewer than the largest use all training "
        "numbers.",
    )
    held_out: int = Field(100, ge=2, description="Numbers that test, the same for all sizes.")
    orders: int = Field(5, ge=2, description="Random orders of the numbers, each with test numbers of its own.")
    iterative_values: Sizes = Field(
        [],
        description="Training numbers (some of `values`) on which the probes that are trained by gradient descent are "
        "fitted too, in one order; each is a training run.",
    )


def _covers(entry: Config, model: str, context: str) -> bool:
    return model in entry.get("models", [model]) and context in entry.get("contexts", [context])


def _runs(study: Study, name: str) -> places.Places:
    """Return the models, their first untrained controls and their mixed ones in the contexts of the experiment."""
    entry = study.experiment(name)
    mixed = [run for model in study.models_of(name) for run in study.mixed_runs(model)]
    runs = [*study.runs(name), *((run, context) for run in mixed for context in study.run_contexts(run))]
    return [(run, context) for run, context in runs if _covers(entry, Run.parse(run).model, context)]


def _is_met(study: Study, name: str) -> bool:
    """Return whether a model has one of the contexts; matrices without rows for the numbers count."""
    entry = study.experiment(name)
    lost = any(_covers(entry, model, inputs.VOCABULARY) for model in study.without_rows(name))
    return lost or bool(_runs(study, name))


def _skipped(study: Study, name: str) -> list[str]:
    entry = study.experiment(name)
    skipped = study.not_applicable(name, entry.get("contexts", [inputs.VOCABULARY, *study.contexts]))
    return [text for text in skipped if text.split(":")[0] in entry.get("models", study.models)]


def _problems(config: Config, name: str) -> Iterator[str]:
    entry, where = next(entry for entry in config["experiments"] if entry["name"] == name), f"experiments['{name}']"
    models = [model["name"] for model in config["models"]]
    contexts = [*(context["name"] for context in config["contexts"]), inputs.VOCABULARY]
    yield from unknown_names(entry.get("models", []), models, f"{where}.models", "models")
    yield from unknown_names(entry.get("contexts", []), contexts, f"{where}.contexts", "contexts")
    low, high = config["numbers"]["min"], config["numbers"]["max"]
    needed = min(entry["values"]) + entry["held_out"]
    if needed > high - low + 1:
        yield (
            f"{where}: the smallest of values and held_out = {entry['held_out']} need {needed} numbers, "
            f"but {low}..{high} has only {high - low + 1}"
        )
    strange = [size for size in entry["iterative_values"] if size not in entry["values"]]
    if strange:
        yield f"{where}.iterative_values: {strange} are not among values: {entry['values']}"


def _missing_layers(study: Study, name: str) -> Iterator[str]:
    """Yield the models that lack the state, each once: an untrained control has the states of its model."""
    places = [Place(study, name, *run) for run in _runs(study, name)]
    for at in {at.model: at for at in places if at.control == "none" and at.context != inputs.VOCABULARY}.values():
        try:
            _layer(at)
        except NumprobeError as error:
            yield f"experiments['{name}'].layer: {error}"


def _layer(at: Place) -> str:
    if Run.parse(at.run).control == "mixed":
        return MIXED_LAYER
    return str(at.study.layer(at.run, at.context, at.study.experiment(at.experiment)["layer"]))


def _iterative(at: Place) -> list[str]:
    """Return the probes that are trained by gradient descent on a model in a context."""
    return [entry["name"] for entry in at.study.iterative_entries(at.run, at.context)]


EXPERIMENT = Experiment(
    title="How much data a probe needs",
    about="accuracy and code length against the amount of training data",
    group="representation",
    settings=SampleEfficiencySettings,
    needs=[
        Need(
            what="one of its contexts",
            is_met=_is_met,
            skipped=_skipped,
            problems=_problems,
            study_problems=_missing_layers,
        )
    ],
    jobs=[
        Job(
            "evaluate_sample_efficiency",
            places=_runs,
            inputs={"states": inputs.states},
            outputs={"table": "results/tables/sample_efficiency/{model}/{context}.parquet"},
            settings=["values", "prompts", "held_out", "orders", "iterative_values"],
            values={
                "model": inputs.base_model,
                "control": inputs.control,
                "layer": _layer,
                "closed_form": inputs.closed_form,
                "iterative": _iterative,
                "numbers": inputs.numbers,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
        )
    ],
    tables={"sample_efficiency": ["evaluate_sample_efficiency"]},
    figures=[Figure("sample_efficiency", tables=["sample_efficiency"])],
)
