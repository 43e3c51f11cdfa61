"""Accuracy of the answers against the number of directions removed from an operand's state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.experiments.ablation.directions import (
    ABLATION,
    PATTERNS,
    RANDOM,
    READOUT,
    Directions,
    component,
    ordered_directions,
)
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given
from numprobe.intervals import prompt_accuracy_interval
from numprobe.interventions.controls import RANDOM_COMPONENT, RANDOM_SUBSPACE
from numprobe.interventions.directions import relative_norm, rescaled
from numprobe.interventions.folds import Folds, unseen_folds
from numprobe.interventions.operands import operand_questions, operand_tokens, read_later
from numprobe.interventions.reach import ALL, LAST
from numprobe.interventions.states import Earlier, answers_and_states, earlier_tokens, shift
from numprobe.measure.outcomes import interval_row, subsets
from numprobe.measure.predict import split_of
from numprobe.probes.patterns import Patterns, load_patterns
from numprobe.probes.probe import Probe, load_probe
from numprobe.status import too_few_answers

Row = dict[str, Any]

#: Stands for the subspace of all directions: the state becomes the mean of all states.
STATE = "state"
#: Columns that the table adds to `numprobe.tables.MEASUREMENT`.
COLUMNS = ABLATION | {"tokens": pl.String}


@dataclass(frozen=True)
class Ablations:
    """Directions to remove.

    Attributes
    ----------
    layers
        Names of the states; the last block's, which no answer reads, and those that the patterns lack are left out.
    ranks
        Directions of the subspaces; those that no subspace has are left out.
    draws
        Random subspaces of each rank.
    per_operation
        Questions of an operation at the most.
    """

    layers: tuple[str, ...]
    ranks: tuple[int, ...]
    draws: int
    per_operation: int


@dataclass(frozen=True, eq=False)
class _Asked:
    """The questions, the answers as the model is, and the operands' states by layer.

    `tokens`: int64 [questions], the operand's last. `earlier`: those before it, with the mean of their states, layer ->
    float32 [questions, width].
    """

    answer_model: AnswerModel
    questions: Questions
    tokens: np.ndarray
    earlier: Sequence[tuple[Earlier, Mapping[str, np.ndarray]]]
    folds: Folds
    right: np.ndarray
    states: Mapping[str, np.ndarray]


def ablate_operands(given: Given) -> None:
    """Write the table of a model and context: answers without directions of the operands' states."""
    (answer_model, questions), values = load_asked(given), given.values
    patterns = load_patterns(given.file("patterns"))
    probe = load_probe(given.file("probe")).in_context(patterns.metadata["context"])
    ablations = Ablations(tuple(values["layers"]), tuple(values["ranks"]), values["draws"], values["prompts"])
    rows = ablation_rows(answer_model, questions, values["operand"], probe, patterns, ablations, values["seed"])
    given.write_rows(rows, COLUMNS)


def ablation_rows(
    answer_model: AnswerModel,
    questions: Questions,
    operand: str,
    probe: Probe,
    patterns: Patterns,
    ablations: Ablations,
    seed: int,
) -> list[Row]:
    """Ask again without the component of the operand's state in every subspace.

    Parameters
    ----------
    answer_model, questions
        The model, and all questions.
    operand
        "a" or "b": whose state is changed.
    probe, patterns
        Fitted where the operand is read at its own token; the fold that has not seen the operand is used.
    ablations
        Layers, ranks, random draws and the number of questions.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `COLUMNS`, over all questions and by operation. `tokens`:
    `last`, directions are taken from the state at the operand's last token; `all`, where operands have several, and its
    earlier tokens get the mean state of their place. `direction` is the subspace (`READOUT`, `PATTERNS`, `RANDOM`, or
    `STATE`: all directions). Random ones are controls, `RANDOM_COMPONENT`, or `RANDOM_SUBSPACE` with the component made
    as long as the longer of the other two; their shares are means over the draws. Metrics: `accuracy_before`,
    `accuracy_after`; `harmed`: share of the right answers that become wrong. A model without right answers has nothing
    to lose (status "too few answers").
    """
    asked = _ask(answer_model, questions, operand, probe, patterns, ablations, seed)
    rows = _rows(asked, {"accuracy_before": (asked.right, asked.right | True)}, seed)
    if not asked.right.any():
        return [{**row, **too_few_answers("too few right answers")} for row in rows]
    for layer, reach in product(asked.states, (LAST, ALL) if asked.earlier else (LAST,)):
        for described, changes in _changes(asked, probe, patterns, layer, ablations, seed):
            still = np.mean([_still_right(asked, layer, reach, change) for change in changes], axis=0)
            norms = [relative_norm(change, asked.states[layer]) for change in changes]
            shares = {"accuracy_after": (still, asked.right | True), "harmed": (1 - still, asked.right)}
            place = {"layer": layer, "tokens": reach, "relative_norm": float(np.mean(norms)), **described}
            rows += [place | row for row in _rows(asked, shares, seed)]
    return rows


def _ask(
    answer_model: AnswerModel,
    questions: Questions,
    operand: str,
    probe: Probe,
    patterns: Patterns,
    ablations: Ablations,
    seed: int,
) -> _Asked:
    split = split_of(probe)
    some = sample_questions(operand_questions(questions, operand, patterns, split), ablations.per_operation, seed)
    tokens, lengths = operand_tokens(some, operand)
    layers = read_later(ablations.layers, patterns, answer_model)
    answers, states = answers_and_states(answer_model, some, layers, tokens)
    earlier = [(place, _mean_states(answer_model, some, layers, place)) for place in earlier_tokens(tokens, lengths)]
    folds = unseen_folds(some.table[operand].to_numpy().astype(np.int64), split, patterns.folds)
    return _Asked(answer_model, some, tokens, earlier, folds, answers.values == some.table["number"].to_numpy(), states)


def _mean_states(
    answer_model: AnswerModel, questions: Questions, layers: Sequence[str], place: Earlier
) -> dict[str, np.ndarray]:
    """Return layer -> the mean state of tokens over the operands that are so long, float32 [questions, width]."""
    _, states = answers_and_states(answer_model, questions, layers, place.tokens)
    return {layer: np.broadcast_to(found[place.held].mean(axis=0), found.shape) for layer, found in states.items()}


def _changes(
    asked: _Asked, probe: Probe, patterns: Patterns, layer: str, ablations: Ablations, seed: int
) -> Iterator[tuple[Row, list[np.ndarray]]]:
    """Yield each ablation's description and what it adds to the states, float32 [questions, width], for every draw."""
    most = max(ablations.ranks)
    directions = {
        fold: ordered_directions(probe, patterns, layer, fold, most, ablations.draws, seed) for fold in asked.folds
    }
    for rank in ablations.ranks:
        found = _without(asked, patterns, layer, directions, rank)
        own = {name: [found[name, 0]] for name in (READOUT, PATTERNS) if (name, 0) in found}
        for name, changes in own.items():
            yield {"direction": name, "rank": rank}, changes
        drawn = [change for (name, _), change in found.items() if name == RANDOM]
        if drawn:
            yield {"direction": RANDOM, "control": RANDOM_COMPONENT, "rank": rank}, drawn
        if drawn and own:
            longest = max((changes[0] for changes in own.values()), key=lambda change: float((change**2).sum()))
            scaled = [rescaled(change, longest) for change in drawn]
            yield {"direction": RANDOM, "control": RANDOM_SUBSPACE, "rank": rank}, scaled
    means = _means(asked, patterns, layer)
    yield {"direction": STATE, "rank": probe.width}, [(means - asked.states[layer]).astype(np.float32)]


def _means(asked: _Asked, patterns: Patterns, layer: str) -> np.ndarray:
    """Return the mean training state of each question's fold, float64 [questions, width]."""
    means = np.zeros((len(asked.questions), patterns.width))
    for fold, rows in asked.folds.items():
        means[rows] = patterns.tensors[layer, fold]["mean"]
    return means


def _without(
    asked: _Asked, patterns: Patterns, layer: str, directions: Mapping[str, Directions], rank: int
) -> dict[tuple[str, int], np.ndarray]:
    """Return the changes that take the first `rank` directions away, of subspaces that have so many in each fold."""
    names = next(iter(directions.values()))
    wide = [name for name in names if all(found[name].shape[1] >= rank for found in directions.values())]
    changes = {name: np.zeros_like(asked.states[layer], dtype=np.float32) for name in wide}
    for fold, rows in asked.folds.items():
        mean = patterns.tensors[layer, fold]["mean"]
        for name in wide:
            basis = directions[fold][name][:, :rank]
            changes[name][rows] = -component(asked.states[layer][rows], mean, basis)
    return changes


def _still_right(asked: _Asked, layer: str, reach: str, change: np.ndarray) -> np.ndarray:
    others = [place.become(layer, means[layer]) for place, means in asked.earlier] if reach == ALL else []
    answers = asked.answer_model.answers(asked.questions, [*others, shift(layer, asked.tokens, change)])
    return np.asarray(answers.values == asked.questions.table["number"].to_numpy())


def _rows(asked: _Asked, shares: Mapping[str, tuple[np.ndarray, np.ndarray]], seed: int) -> list[Row]:
    """Return rows over all questions and by operation from metric -> (score of every question, which of them count)."""
    truth = asked.questions.table["number"].to_numpy().astype(np.int64)
    found = []
    for subset, part in subsets(asked.questions.table):
        for metric, (scores, counted) in shares.items():
            if (part & counted).any():
                chosen = part & counted
                interval = prompt_accuracy_interval(truth[chosen], scores[chosen])
                found.append({"subset": subset, "metric": metric, **interval_row(interval, seed)})
    return found
