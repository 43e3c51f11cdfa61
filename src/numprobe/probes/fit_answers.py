"""Fit probes of a model's answers: the labels are its answers, right or wrong, in place of the true results."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.store import read_positions
from numprobe.errors import NumprobeError
from numprobe.probes.closed_form import PENALTIES, Target, Tensors, fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.dataset import TrainingRows, whole_fold
from numprobe.probes.probe import Probe
from numprobe.probes.statistics import accumulate
from numprobe.splits import Fold, Split

#: If any fold has fewer different answers, none is fitted.
FEWEST = 20
_RULE = "a row trains if its true result and its answer both are numbers of the fold's training blocks"
_DESCRIBED = {"control": "none", "labels": "answers", "rule": _RULE, "settings": {"penalties": PENALTIES}}


def fit_answer_probe(
    rows: TrainingRows,
    answers: pl.DataFrame,
    split: Split,
    kind: str,
    metadata: Mapping[str, Any],
    left_out: Collection[int] = (),
) -> Probe:
    """Fit a closed-form probe of a model's answers on all layers and folds.

    A fold trains on the rows whose true result and whose answer both are numbers of its training blocks. So the probe
    of the fold that tests a true result has seen neither that number in any role nor any of its prompts.

    Parameters
    ----------
    rows
        The training rows of a context of kind result.
    answers
        The model's answers (`numprobe.answers.table.ANSWER`) to its prompts.
    split
        Values, blocks and folds; the fold "all" is added.
    kind
        Name of a code (`numprobe.probes.codes.CODES`).
    metadata
        Stored in the probe.
    left_out
        Answers that train no fold: the numbers of worked examples.

    Returns
    -------
    The probe, whose metadata have `labels` = "answers" and the rule. It has no layers if a fold has fewer than `FEWEST`
    different answers, or all of them in one inner group.

    Raises
    ------
    NumprobeError
        If the answers are to other prompts, or there is no such code.
    """
    truth, answer = rows.values, _answers_of(rows, answers)
    known = (answer >= split.minimum) & (answer <= split.maximum) & ~np.isin(answer, list(left_out))
    folds = [whole_fold(split), *split.folds]
    used = _used(truth, np.where(known, answer, split.minimum), known, split, folds)
    enough = all(_teaches(answer[used[fold.name]], fold, split) for fold in folds)
    target = make_target(make_code(kind, split.minimum, split.maximum), split.values, split.minimum)
    fitted = {
        layer: _fit(rows.states(layer), answer, used, split, target, folds) for layer in (rows.layers if enough else ())
    }
    tensors = {(layer, fold): arrays for layer, found in fitted.items() if found for fold, arrays in found.items()}
    return Probe(
        kind=kind,
        numbers=split.values,
        layers=tuple(layer for layer, found in fitted.items() if found),
        folds=tuple(fold.name for fold in folds),
        constant=tuple(layer for layer, found in fitted.items() if not found),
        width=rows.width,
        metadata={**rows.described, **metadata, **_DESCRIBED},
        tensors=tensors,
    )


def _used(
    truth: np.ndarray, answer: np.ndarray, known: np.ndarray, split: Split, folds: Sequence[Fold]
) -> dict[str, np.ndarray]:
    """Return the rows that train each fold, bool [rows used]: `known`, with both numbers in its training blocks."""
    blocks = split.block_of(truth), split.block_of(answer)
    return {fold.name: known & np.isin(blocks[0], fold.train) & np.isin(blocks[1], fold.train) for fold in folds}


def _answers_of(rows: TrainingRows, answers: pl.DataFrame) -> np.ndarray:
    """Return the model's answer in each used row, int64 [rows used]; -1 if it is no number."""
    read = read_positions(rows.folder, ["number"]).filter(rows.used).select("prompt", "number")
    named = answers.select("prompt", "answer", asked="number")
    joined = read.join(named, on="prompt", how="left", maintain_order="left")
    if joined["asked"].null_count() or (joined["asked"] != joined["number"]).any():
        raise NumprobeError("the answers are not to the prompts of these states: name those of one model and context")
    return joined["answer"].fill_null(-1).to_numpy().astype(np.int64)


def _teaches(answer: np.ndarray, fold: Fold, split: Split) -> bool:
    """Return whether a fold has enough different answers, in at least two inner groups."""
    present = np.unique(answer)
    groups = [group for group in fold.inner if np.isin(split.block_of(present), group).any()]
    return len(present) >= FEWEST and len(groups) > 1


def _fit(
    states: np.ndarray,
    answer: np.ndarray,
    used: Mapping[str, np.ndarray],
    split: Split,
    target: Target,
    folds: Sequence[Fold],
) -> dict[str, Tensors] | None:
    """Return the tensors of one layer; None if its states are one vector in a fold."""
    found: dict[str, Tensors] = {}
    for fold in folds:
        part = used[fold.name]
        fitted = fit_layer(accumulate(states[part], answer[part], split), split, [target], [fold])
        if fitted is None:
            return None
        found |= fitted[0]
    return found
