"""Measure selectivity: the accuracy of a probe on the numbers minus its accuracy on random labels of the numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.experiments.given import Given
from numprobe.experiments.layer_probes.seen import SEEN, control_task, fit_seen, fit_seen_iteratively, prompt_groups
from numprobe.intervals import Interval, accuracy_interval, change_interval
from numprobe.probes.codes import CODES
from numprobe.probes.fit_iterative import is_constant
from numprobe.probes.probe import Probe
from numprobe.probes.settings import make_settings
from numprobe.status import constant_state
from numprobe.tables import Row
from numprobe.threads import prepare_torch

#: Control: every number has a random label of its own, the same in all its prompts.
TASK = "task"


def evaluate_selectivity(given: Given) -> None:
    """Write the table of a model and context."""
    prepare_torch()
    values = given.values
    numbers = values["numbers"][0], values["numbers"][1]
    rows = selectivity_rows(given.folder("states"), values["probes"], values["groups"], numbers, values["seed"])
    given.write_rows(rows)


@dataclass(frozen=True, eq=False)
class Study:
    """Inputs that all layers share.

    Attributes
    ----------
    values
        int64 [n]: index of each row's number among the candidates.
    group
        int64 [n]: group of prompts; 0 tests.
    tasks
        The true label of each candidate and the random one, int64 [N] each.
    seed
        The study's seed.
    """

    values: np.ndarray
    group: np.ndarray
    tasks: tuple[np.ndarray, np.ndarray]
    seed: int


def selectivity_rows(
    folder: str | Path, kinds: Sequence[str], groups: int, numbers: tuple[int, int], seed: int
) -> list[Row]:
    """Return accuracy on the numbers, accuracy on random labels, and their difference, by layer and probe.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}` of a context with several prompts for each number.
    kinds
        Kinds of probes, closed-form or iterative.
    groups
        Groups of prompts: one tests, the others train.
    numbers
        Smallest and largest candidate.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model` and `context`: metrics `accuracy` (control `none` and
    `task`) and `selectivity`. All numbers have been seen in other prompts, so these accuracies are higher than those on
    unseen numbers.

    Raises
    ------
    NumprobeError
        If the numbers have too few prompts.
    """
    positions = read_positions(folder, ["number"])
    used = positions["number"].is_between(*numbers).to_numpy()
    positions = positions.filter(used)
    values = positions["number"].to_numpy().astype(np.int64) - numbers[0]
    truth = np.arange(numbers[0], numbers[1] + 1)
    tasks = (truth, control_task(*numbers, seed))
    study = Study(values, prompt_groups(positions, groups, seed), tasks, seed)
    layers = [state["layer"] for state in read_manifest(folder)["states"] if state["site"] == "residual"]
    return [
        {"layer": layer, **row}
        for layer in layers
        for row in _layer_rows(read_states(folder, layer)[used], kinds, study)
    ]


def _layer_rows(states: np.ndarray, kinds: Sequence[str], study: Study) -> Iterator[Row]:
    if is_constant(states):
        yield from ({"probe": kind, "metric": "selectivity", **constant_state()} for kind in kinds)
        return
    tested = study.group == 0
    if not tested.any():
        raise NumprobeError("selectivity: no prompt tests; use fewer groups of prompts")
    for kind, probes in _fitted(states, kinds, study).items():
        right = [
            probe.decode(states[tested], "0", SEEN) == task[study.values[tested]]
            for probe, task in zip(probes, study.tasks, strict=True)
        ]
        yield from ({"probe": kind, **row} for row in _scores(right[0], right[1], study.values[tested], study))


def _fitted(states: np.ndarray, kinds: Sequence[str], study: Study) -> dict[str, list[Probe]]:
    """Return kind -> the probe of the true labels and that of the random ones."""
    closed = [kind for kind in kinds if kind in CODES]
    found = fit_seen(states, study.values, study.group, closed, study.tasks) if closed else []
    fitted = {kind: [task[place] for task in found or []] for place, kind in enumerate(closed)}
    for kind in kinds:
        if kind not in CODES:
            settings = make_settings(kind, {})
            fitted[kind] = [
                fit_seen_iteratively(states, study.values, study.group, kind, settings, task, study.seed)
                for task in study.tasks
            ]
    return {kind: fitted[kind] for kind in kinds}


def _scores(true: np.ndarray, random: np.ndarray, values: np.ndarray, study: Study) -> Iterator[Row]:
    yield _row("accuracy", "none", accuracy_interval(values, true), study)
    yield _row("accuracy", TASK, accuracy_interval(values, random), study)
    yield _row("selectivity", "none", change_interval(values, random, true), study)


def _row(metric: str, control: str, interval: Interval, study: Study) -> Row:
    return {
        "control": control,
        "metric": metric,
        **interval.columns(),
        "seed": study.seed,
        "note": "numbers seen in other prompts",
    }
