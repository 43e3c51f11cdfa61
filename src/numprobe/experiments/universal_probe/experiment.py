"""One probe for all layers and contexts of a model."""

from collections.abc import Iterator

from pydantic import Field

from numprobe.experiments import inputs, needs
from numprobe.experiments.declare import Experiment, Figure, Job, Need, Place, Settings, Study


class UniversalProbeSettings(Settings):
    """Settings of `universal_probe`."""

    leave_out: list[str | int] = Field(
        [],
        description="Layers (0, 1, ..., final_norm) that take no part in the fit. They are read all the same, centred "
        "and scaled by their own training states where the normalisation is per layer.",
        json_schema_extra={"items": {"type": ["string", "integer"]}, "uniqueItems": True},
    )


def _runs(study: Study, name: str) -> list[tuple[str, str]]:
    """Return the models, their first untrained controls and their mixed ones that read a number at its own token."""
    mixed = [run for model in study.models_of(name) for run in study.mixed_runs(model)]
    return [(run, "") for run in [*dict(study.runs(name)), *mixed] if study.own_token_contexts(run)]


def _reads_own_token(study: Study, name: str) -> bool:
    return any(map(study.own_token_contexts, study.models_of(name)))


def _layer_problems(study: Study, name: str) -> Iterator[str]:
    """Yield layers that no model has, and models of which all layers are left out."""
    left_out = {str(layer) for layer in study.experiment(name)["leave_out"]}
    states = {model: set(study.models[model].layers) for model in study.models_of(name)} if left_out else {}
    where = f"experiments['{name}'].leave_out:"
    for layer in sorted(left_out - set().union(*states.values())):
        yield f"{where} no model has the state {layer}"
    for model, layers in states.items():
        if layers <= left_out:
            yield f"{where} leaves no state of {model} to fit on"


def _controls(at: Place) -> list[str]:
    return [control for control in at.study.probe_controls(at.run) if control == "shuffled"]


def _universal(at: Place) -> list[str]:
    """Return the universal probe and its control."""
    endings = ["", *(f".{control}" for control in _controls(at))]
    return [f"results/probes/{{model}}/universal/fourier{ending}.safetensors" for ending in endings]


def _variants(at: Place) -> list[str]:
    """Return its rivals: probes of all layers of one context or of all contexts, in every normalisation."""
    scopes = [f"{context}.{kind}" for context in at.study.own_token_contexts(at.run) for kind in ("none", "layer")]
    scopes += [f"all.{kind}" for kind in ("none", "layer", "layer_context")]
    return [f"results/probes/{{model}}/universal/variants/{scope}.safetensors" for scope in scopes]


def _own(at: Place) -> list[str]:
    """Return the probes of single layers."""
    contexts = at.study.own_token_contexts(at.run)
    return [f"results/probes/{at.run}/{context}/fourier.safetensors" for context in contexts]


def _kept(study: Study, name: str) -> list[str]:
    return [f"results/probes/{run}/universal/fourier.safetensors" for run, _ in _runs(study, name)]


EXPERIMENT = Experiment(
    title="Universal probe",
    about="one probe for all layers and contexts of a model",
    group="representation",
    settings=UniversalProbeSettings,
    needs=[
        needs.fourier_probe(),
        Need(what="a context whose kind is not result", is_met=_reads_own_token, study_problems=_layer_problems),
    ],
    jobs=[
        Job(
            "fit_universal_probe",
            places=_runs,
            inputs={"states": inputs.own_token_states, "split": inputs.split},
            outputs={"probes": lambda at: _universal(at) + _variants(at)},
            settings=["leave_out"],
            values={"controls": _controls},
            module="fit",
            memory=6000,
        ),
        Job(
            "evaluate_universal_probe",
            places=_runs,
            inputs={
                "states": inputs.own_token_states,
                "own": _own,
                "universal": lambda at: [file.format(model=at.run) for file in _universal(at)],
                "variants": lambda at: [file.format(model=at.run) for file in _variants(at)],
            },
            outputs={"table": "results/tables/universal_probe/{model}.parquet"},
            values={
                "layers": inputs.layers_of_control,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
            minutes=120,
        ),
    ],
    tables={"universal_probe": ["evaluate_universal_probe"]},
    figures=[Figure("universal_probe", tables=["universal_probe", "cross_layer"])],
    keeps=_kept,
    reserved_names=["universal"],
)
