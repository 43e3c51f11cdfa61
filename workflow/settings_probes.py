"""Settings of probes: the keys of an entry of `probes`, for each way of fitting."""

from typing import Literal

from pydantic import Field

from numprobe.experiments.declare import Settings
from numprobe.experiments.settings import Names

CLOSED_FORM = ("fourier", "digits", "circular", "helix", "binary", "linear", "log")


class ProbeEntry(Settings):
    """Keys of every entry of `probes`."""

    name: Literal["fourier", "digits", "circular", "helix", "binary", "linear", "log", "sinusoidal", "wave", "mlp"] = (
        Field(description="Kind of probe (docs/probes.md).")
    )


class ClosedFormProbe(Settings):
    """`fourier`, `digits`, `circular`, `helix`, `binary`, `linear`, `log` - fitted in closed form, for every model and
    context."""


class IterativeProbe(Settings):
    """`sinusoidal`, `wave`, `mlp` - fitted by gradient descent."""

    models: Names | None = Field(None, description="Names of the models on which it is fitted. All, if left out.")
    contexts: Names | None = Field(
        None,
        description="Names of the contexts in which it is fitted (`vocabulary` = the embedding matrices). All, if "
        "left out.",
    )
    folds: int = Field(1, ge=1, description="How many of the folds are fitted (each is a training run).")
    shuffled: bool = Field(True, description="Fit the shuffled control too.")
    published: bool = Field(
        False,
        description="The settings of arXiv 2510.26285, without standardised inputs and with its optimiser and step "
        "count (`sinusoidal` and `wave`).",
    )
    steps: int | None = Field(
        None, ge=1, description="Gradient steps of the iterative probes. Those of their settings, if left out."
    )
