"""Experiments that train probes by gradient descent: their settings, and what is told to the jobs that train."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from numprobe.experiments.declare import Config, Place, Settings
from numprobe.experiments.needs import entry_of, unknown_models
from numprobe.experiments.settings import ONCE, Names

Kinds = Annotated[list[Literal["sinusoidal", "wave", "mlp"]], Field(json_schema_extra=ONCE)]


class IterativeSettings(Settings):
    """Settings of an experiment that trains probes by gradient descent."""

    iterative: Kinds = Field(
        ["sinusoidal", "wave", "mlp"],
        description="Probes to train by gradient descent, beside the closed-form ones of the study.",
    )
    models: Names | None = Field(
        None, description="Names of the models on which the iterative probes are trained. All, if left out."
    )
    iterative_folds: int = Field(1, ge=1, description="How many of the folds the iterative probes are trained on.")
    shuffled: bool = Field(True, description="Train the shuffled control of the iterative probes too.")
    steps: int | None = Field(
        None, ge=1, description="Gradient steps of the iterative probes. Those of their settings, if left out."
    )


def trains(at: Place) -> bool:
    """Return whether the experiment trains probes on a model."""
    entry = at.study.experiment(at.experiment)
    return bool(entry["iterative"]) and at.run in entry.get("models", at.study.models)


def own_fit(at: Place) -> dict[str, Any]:
    """Return the probes that are trained with default settings: `kinds`, `controls`, `settings` and `folds`."""
    entry = at.study.experiment(at.experiment)
    controls = ["shuffled"] if entry["shuffled"] else []
    return {
        "kinds": entry["iterative"],
        "controls": controls,
        "settings": _steps(entry),
        "folds": entry["iterative_folds"],
    }


def published_fit(at: Place, kinds: Collection[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probes of some kinds that are trained with published settings; none, if they are not wanted."""
    entry = at.study.experiment(at.experiment)
    wanted = [kind for kind in entry["iterative"] if kind in kinds] if entry["published"] else []
    return {
        "kinds": wanted,
        "controls": [],
        "settings": {**settings, **_steps(entry)},
        "folds": entry["iterative_folds"],
    }


def fitted_names(fit: Mapping[str, Any]) -> list[str]:
    """Return the names of the files of a fit, without ending."""
    endings = ["", *(f".{control}" for control in fit["controls"])]
    return [f"{kind}{ending}" for kind in fit["kinds"] for ending in endings]


def iterative_problems(config: Config, name: str, folds: int) -> Iterator[str]:
    """Yield what is wrong with these settings where the numbers are divided into some folds."""
    entry = entry_of(config, name)
    where = f"experiments['{name}']"
    yield from unknown_models(config, name)
    if entry["iterative_folds"] > folds:
        yield f"{where}.iterative_folds: is {entry['iterative_folds']}, but there are {folds} fold(s)"


def _steps(entry: Config) -> dict[str, int]:
    return {"steps": entry["steps"]} if "steps" in entry else {}
