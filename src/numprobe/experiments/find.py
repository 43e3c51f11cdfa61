"""The experiments that there are: every folder beside this file with an `experiment.py`."""

from functools import cache
from importlib import import_module
from pathlib import Path

from numprobe.experiments.declare import Experiment

FOLDER = Path(__file__).parent


@cache
def experiment_names() -> tuple[str, ...]:
    """Return the names of all experiments in alphabetical order."""
    return tuple(sorted(file.parent.name for file in FOLDER.glob("*/experiment.py")))


def find_experiment(name: str) -> Experiment:
    """Return the declaration of an experiment."""
    declared: Experiment = import_module(f"numprobe.experiments.{name}.experiment").EXPERIMENT
    return declared


def all_experiments() -> dict[str, Experiment]:
    """Return the declarations of all experiments by name."""
    return {name: find_experiment(name) for name in experiment_names()}
