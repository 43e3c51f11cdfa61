"""Answers to the test pairs after interchange in every subspace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from numprobe.answers.ask import AnswerModel
from numprobe.experiments.causal_subspace.spaces import CAUSAL, RANDOM, WHOLE, Space, Study
from numprobe.intervals import prompt_accuracy_interval
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.directions import relative_norm
from numprobe.interventions.interchange import Interchange
from numprobe.interventions.paired import change_from
from numprobe.measure.outcomes import interval_row
from numprobe.tables import Row

#: Nothing is interchanged; and the counterfactual prompt itself is asked.
NOTHING, ASKED = "nothing", "asked"
#: Metrics of the answers to the test pairs.
FOLLOWED, KEPT, OTHER, HARMED = "interchange_accuracy", "base_kept", "other_answer", "harmed"
#: Paired differences of the share of counterfactual answers from other subspaces.
OVER = {"interchange_over_random": RANDOM, "interchange_over_trained": CAUSAL}


@dataclass(frozen=True, eq=False)
class Plain:
    """The model's answers to the unchanged base and counterfactual prompts, in the order of the pairs."""

    base: np.ndarray
    asked: np.ndarray


def plain_answers(answer_model: AnswerModel, pairs: AskedPairs) -> Plain:
    """Return the answers without any interchange, those of counterfactual prompts in the order of the pairs."""
    base, asked = (answer_model.answers(pairs.questions[name]).values for name in ("base", "counterfactual"))
    return Plain(base, asked[pairs.order["counterfactual"]])


@dataclass(frozen=True, eq=False)
class _Outcome:
    """The model's answers to the test pairs under one interchange, and to sources with the same operand."""

    space: Space
    answers: np.ndarray
    same: np.ndarray
    relative_norm: float


def answer_rows(
    answer_model: AnswerModel,
    test: Interchange,
    same: Interchange,
    plain: Plain,
    base: np.ndarray,
    spaces: Sequence[Space],
    study: Study,
) -> Iterator[Row]:
    """Yield the shares of answers of one layer, with the operand's last token changed and with all of them.

    Parameters
    ----------
    answer_model
        The model.
    test, same
        The test pairs with the states of their sources, and of sources with the same operand.
    plain
        The answers without interchange.
    base
        float32 [pairs, width]: states of the bases.
    spaces, study
        The subspaces, and the study's seed.
    """
    for reach in test.pairs.reaches:
        outcomes = [_outcome(answer_model, test, same, base, space, reach) for space in spaces]
        yield from ({"tokens": reach, **row} for row in _reach_rows(test.pairs, outcomes, plain, study))


def _reach_rows(pairs: AskedPairs, outcomes: Sequence[_Outcome], plain: Plain, study: Study) -> Iterator[Row]:
    """Yield what is answered with every subspace, beside the answers without interchange."""
    for group in _grouped(outcomes):
        yield from _shares(group, plain.base, pairs.table, pairs.base.table["number"].to_numpy(), study)
    yield from _difference_rows(pairs.table["number"].to_numpy(), outcomes, study)
    for name, answers in ((NOTHING, plain.base), (ASKED, plain.asked)):
        marks = {FOLLOWED: answers == pairs.table["number"].to_numpy()}
        yield from _subset_rows(pairs.table, marks, {"subspace": name}, 1, study)


def _outcome(
    answer_model: AnswerModel, test: Interchange, same: Interchange, base: np.ndarray, space: Space, reach: str
) -> _Outcome:
    basis = None if space.basis is None else torch.tensor(space.basis, dtype=torch.float32, device=test.states.device)
    answers, kept = (answer_model.answers(part.pairs.base, part.edits(basis, reach)).values for part in (test, same))
    moved = test.states.cpu().numpy() - base
    if space.basis is not None:
        moved = moved @ space.basis
    return _Outcome(space, answers, kept, relative_norm(moved, base))


def _difference_rows(results: np.ndarray, outcomes: Sequence[_Outcome], study: Study) -> Iterator[Row]:
    """Yield what follows the source more than with random and with trained subspaces, on the same pairs."""
    marks: dict[str, list[np.ndarray]] = {}
    for outcome in outcomes:
        marks.setdefault(outcome.space.name, []).append(outcome.answers == results)
    ranks = {outcome.space.name: outcome.space.names["rank"] for outcome in outcomes}
    for name, own in marks.items():
        for metric, rival in OVER.items():
            if rival in marks and name not in (rival, RANDOM, WHOLE):
                difference = change_from(results, np.array(marks[rival]), np.array(own))
                names = {"subspace": name, "rank": ranks[name], "metric": metric}
                yield {**names, **interval_row(difference, study.seed)}


def _grouped(outcomes: Sequence[_Outcome]) -> list[list[_Outcome]]:
    """Return every subspace alone, and those that were drawn several times together."""
    together: dict[str, list[_Outcome]] = {}
    for outcome in outcomes:
        together.setdefault(outcome.space.name, []).append(outcome)
    return [[outcome] for outcome in outcomes] + [group for group in together.values() if len(group) > 1]


def _shares(
    group: Sequence[_Outcome], before: np.ndarray, pairs: pl.DataFrame, value: np.ndarray, study: Study
) -> Iterator[Row]:
    answers, same = (np.concatenate([getattr(one, name) for one in group]) for name in ("answers", "same"))
    times = len(group)
    followed = answers == np.tile(pairs["number"].to_numpy(), times)
    kept = (answers == np.tile(before, times)) & ~followed
    names = {**group[0].space.names, "relative_norm": float(np.mean([one.relative_norm for one in group]))}
    if times > 1:
        names["draw"] = None
    yield from _subset_rows(pairs, {FOLLOWED: followed, KEPT: kept, OTHER: ~followed & ~kept}, names, times, study)
    right = before == value
    if right.any():
        marks = {HARMED: (same != np.tile(value, times))[np.tile(right, times)]}
        base = pairs.with_columns(pl.Series("number", value)).filter(pl.Series(right))
        yield from _subset_rows(base, marks, names, times, study)


def _subset_rows(
    pairs: pl.DataFrame, marks: Mapping[str, np.ndarray], names: Row, times: int, study: Study
) -> Iterator[Row]:
    """Yield shares with intervals over results, in all and by operation; pairs stand `times` times in the marks."""
    values, operations = (np.tile(pairs[name].to_numpy(), times) for name in ("number", "operation"))
    subsets = {"all": np.ones(len(values), dtype=bool)}
    subsets |= {f"operation={name}": operations == name for name in pairs["operation"].unique(maintain_order=True)}
    for metric, mark in marks.items():
        for subset, part in subsets.items():
            interval = prompt_accuracy_interval(values[part], mark[part])
            yield {**names, "subset": subset, "metric": metric, **interval_row(interval, study.seed)}
