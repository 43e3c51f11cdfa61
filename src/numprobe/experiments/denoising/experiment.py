"""Denoising: move the last state before the answer towards the number that the probe reads in it."""

from typing import Annotated

from pydantic import Field

from numprobe.experiments import inputs, needs
from numprobe.experiments.changed_states import last_token_job
from numprobe.experiments.declare import Experiment, Figure, Settings
from numprobe.experiments.settings import AskedPrompts, ChangedLayers, Strengths


class DenoisingSettings(Settings):
    """Settings of `denoising`."""

    layers: ChangedLayers = Field([])
    strengths: Strengths = Field(
        [0.25, 0.5, 1.0, 1.5, 2.0],
        description="Factors alpha of the change: 1 puts the state, within the subspace, where states of the number "
        "that is read lie; more goes beyond.",
    )
    prompts: AskedPrompts = 500
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [1.0, 0.5, 0.25],
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="Shares of the prompts that are changed, those whose number the probe reads with the highest "
        "probability; chosen like layer and strength.",
    )
    rank: int | None = Field(
        None,
        ge=1,
        description="Directions of the subspace. If left out, in each layer and fold as many as the read-out needs to "
        "read within 1 point of all its directions, at most a quarter of the width; training numbers choose.",
    )


EXPERIMENT = Experiment(
    title="Denoising",
    about="states moved to the number that the probe reads",
    group="manipulation",
    settings=DenoisingSettings,
    needs=[needs.fourier_probe(), needs.answers(), needs.changed_layers()],
    jobs=[
        last_token_job(
            "evaluate_denoising",
            "denoising",
            ["strengths", "prompts", "shares", "rank"],
            {"states": inputs.states, "probe": inputs.fourier_probe},
        )
    ],
    tables={"denoising": ["evaluate_denoising"]},
    by_model=["layers", "strengths", "prompts", "shares", "rank"],
    figures=[Figure("denoising", tables=["denoising"]), Figure("denoising_strengths", tables=["denoising"])],
)
