"""Probability that a probe gives to the model's own answer: an error signal that needs no true result."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import logsumexp

from numprobe.activations.store import read_positions, read_states
from numprobe.measure.beside_answers import beside_answers
from numprobe.measure.predict import control_of, held_out_rows, split_of
from numprobe.probes.controls import control_labels
from numprobe.probes.probe import Probe
from numprobe.splits import Split

# States that are scored at a time.
_BATCH = 4096


def answer_surprise(
    folder: str | Path, probe: Probe, answers: pl.DataFrame, seed: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield minus the log probability that a probe gives the model's answer, layer by layer.

    Each prompt is read by the probe of the fold that never saw its true result: neither that number nor the prompt has
    trained it.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    probe
        A closed-form probe of these states whose scores are log-likelihoods (`fourier`, `helix`).
    answers
        The model's answers (`numprobe.answers.table.ANSWER`).
    seed
        The study's seed, for the labels of the control `shuffled`.

    Yields
    ------
    Each layer, and a table of the prompts whose answer is a number of the range: `prompt`, `number`, `operation`,
    `answer`, `right`, `probability` (the model's own) and `score` (nats).

    Raises
    ------
    NumprobeError
        If no row tests, or the answers are to other prompts.
    """
    positions, split = read_positions(folder, ["number"]), split_of(probe)
    tested = held_out_rows(positions, split)
    index = np.concatenate(list(tested.values()))
    read = positions[index].select("prompt", "number", "operation", pl.lit("").alias("layer"))
    beside = beside_answers(read.with_columns(pl.lit(control_of(probe)).alias("control")), answers)
    answer = answer_labels(beside, split, seed)
    columns = beside.select("prompt", "number", "operation", "answer", "right", "probability")
    for layer in probe.layers:
        score = _surprise(read_states(folder, layer), probe, layer, tested, answer)
        yield layer, columns.with_columns(pl.Series("score", score)).filter(answer >= 0)


def answer_labels(group: pl.DataFrame, split: Split, seed: int) -> np.ndarray:
    """Return a probe's label for the model's answer, int64 [n]; -1 where that is no number of the range.

    `group` holds the readings of one probe and control.
    """
    answer = group["answer"].fill_null(-1).to_numpy().astype(np.int64)
    known = (answer >= split.minimum) & (answer <= split.maximum)
    inside = np.where(known, answer, split.minimum)
    return np.where(known, control_labels(group["control"][0], inside, split, seed), -1)


def unseen_answers(asked: pl.DataFrame, split: Split) -> np.ndarray:
    """Return whether the probe that reads a prompt has never seen the model's answer: bool [n].

    It has never seen the true result, so a right answer is always unseen, and a wrong one where the same fold tests it.
    A probe gives numbers that it has seen other probabilities than unseen ones, whatever the state: right and wrong
    answers can be compared only among the unseen.

    Parameters
    ----------
    asked
        One row per prompt: `number` (true result) and `answer` (null: no number).
    split
        The numbers and the folds of the probe.
    """
    fold = np.full(split.n_blocks, -1)
    for place, tested in enumerate(split.folds):
        fold[list(tested.test)] = place
    numbers, answers = (asked[name].fill_null(-1).to_numpy().astype(np.int64) for name in ("number", "answer"))
    known = np.ones(len(numbers), dtype=bool)
    for values in (numbers, answers):
        known &= (values >= split.minimum) & (values <= split.maximum)
    # The value of unknown ones is not used.
    folds = [fold[split.block_of(np.where(known, values, split.minimum))] for values in (numbers, answers)]
    return np.asarray(known & (folds[0] == folds[1]) & (folds[0] >= 0))


def _surprise(
    states: np.ndarray, probe: Probe, layer: str, tested: Mapping[str, np.ndarray], answer: np.ndarray
) -> np.ndarray:
    found, start = [], 0
    for fold, rows in tested.items():
        for first in range(0, len(rows), _BATCH):
            scores = probe.scores(states[rows[first : first + _BATCH]], layer, fold).astype(np.float64)
            place = np.maximum(answer[start : start + len(scores)] - probe.numbers[0], 0)
            found.append(logsumexp(scores, axis=1) - scores[np.arange(len(scores)), place])
            start += len(scores)
    return np.concatenate(found)
