"""Patching: write the true number into the last state before the answer, an oracle, with controls."""

from collections.abc import Iterator

from pydantic import Field

from numprobe.experiments import needs
from numprobe.experiments.changed_states import last_token_job
from numprobe.experiments.declare import Experiment, Figure, Need, Place, Settings, Study
from numprobe.experiments.settings import AskedPrompts, ChangedLayers, Strengths

#: The probe that the paper's patch is fitted on.
WAVE = "wave"


class PatchingSettings(Settings):
    """Settings of `patching`."""

    layers: ChangedLayers = Field([])
    strengths: Strengths = Field(
        [0.1, 0.2, 0.35, 0.5, 0.75, 1.0],
        description="Shares alpha of the state that are replaced: h becomes (1 - alpha) h + alpha P.",
    )
    prompts: AskedPrompts = 500
    published: bool = Field(
        False,
        description="Whether the paper's own patch is fitted too: states that a frozen `wave` probe reads as each "
        "number, on the models and in the contexts of kind `result` in which the study fits this probe.",
    )
    steps: int = Field(
        200000, ge=2, description="Gradient steps of the paper's patch, in each layer and fold of the probe."
    )


def _published_probe(at: Place) -> list[str]:
    wanted = at.study.experiment(at.experiment)["published"] and _has_wave(at.study, at.run, at.context)
    return [f"results/probes/{at.run}/{at.context}/{WAVE}.safetensors"] if wanted else []


def _has_wave(study: Study, run: str, context: str) -> bool:
    return WAVE in [entry["name"] for entry in study.iterative_entries(run, context)]


def _nothing_to_fit_on(study: Study, name: str) -> Iterator[str]:
    wanted = study.experiment(name)["published"]
    if wanted and not any(_has_wave(study, *run) for run in study.asked_runs(name)):
        yield (
            f"experiments['{name}'].published: is true, but the probe {WAVE} is fitted in no context of kind result: "
            "add it to the probes, with such a context and a model that answers"
        )


EXPERIMENT = Experiment(
    title="Patching",
    about="the true number written into the last state",
    group="manipulation",
    settings=PatchingSettings,
    needs=[
        needs.fourier_probe(),
        needs.answers(),
        needs.changed_layers(),
        Need(study_problems=_nothing_to_fit_on),
    ],
    jobs=[
        last_token_job(
            "evaluate_patching",
            "patching",
            ["strengths", "prompts", "steps"],
            {"wave": _published_probe},
            minutes=1440,
        )
    ],
    tables={"patching": ["evaluate_patching"]},
    by_model=["layers", "strengths", "prompts", "steps"],
    figures=[Figure("patching", tables=["patching"]), Figure("patching_strengths", tables=["patching"])],
)
