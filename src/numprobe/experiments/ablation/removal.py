"""Necessity: answers without the component of an operand's state in some directions, or in all but these."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.experiments.ablation.directions import (
    INSIDE,
    PATTERNS,
    RANDOM,
    READOUT,
    REST,
    STATE,
    Ablations,
    Directions,
    component,
    ordered_directions,
)
from numprobe.intervals import prompt_accuracy_interval
from numprobe.interventions.controls import RANDOM_COMPONENT, RANDOM_SUBSPACE
from numprobe.interventions.directions import relative_norm, rescaled
from numprobe.interventions.folds import Folds, unseen_folds
from numprobe.interventions.operands import operand_questions, operand_tokens, read_later
from numprobe.interventions.paired import change_from
from numprobe.interventions.reach import ALL, LAST
from numprobe.interventions.states import Earlier, answers_and_states, earlier_tokens, of_some, shift
from numprobe.measure.outcomes import interval_row, subsets
from numprobe.measure.predict import split_of
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.status import too_few_answers
from numprobe.tables import Row


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


def removal_rows(
    answer_model: AnswerModel,
    questions: Questions,
    operand: str,
    probe: Probe,
    patterns: Patterns,
    ablations: Ablations,
    seed: int,
) -> list[Row]:
    """Ask again without the component of the operand's state in every subspace, and without the rest.

    Parameters
    ----------
    answer_model, questions
        The model, and all questions.
    operand
        "a" or "b": whose state is changed.
    probe, patterns
        Fitted where the operand is read at its own token; the fold that has not seen the operand is used.
    ablations
        Layers, ranks, random draws and the number of questions; at some ranks the rest is removed too.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `COLUMNS`, over all questions and by operation. `tokens`:
    `last`, the state at the operand's last token is changed; `all`, where operands have several, and its earlier tokens
    get the mean state of their place. `direction` is the subspace (`READOUT`, `PATTERNS`, `RANDOM`, or `STATE`: all
    directions); `component`, the removed one: `INSIDE` the subspace, or the `REST`. Random ones are controls,
    `RANDOM_COMPONENT`, or `RANDOM_SUBSPACE` with the component made as long as the longer of the other two; their
    shares are means over the draws. Metrics: `accuracy_before`, `accuracy_after`; `harmed`: share of the right answers
    that become wrong; `harmed_over_random`: this less the share of `RANDOM_SUBSPACE`, on the same prompts. The rest is
    removed in questions that are answered right alone. A model without right answers has nothing to lose (status "too
    few answers").
    """
    asked = _ask(answer_model, questions, operand, probe, patterns, ablations, seed)
    rows = _rows(asked, {"accuracy_before": (asked.right, asked.right | True)}, seed)
    if not asked.right.any():
        return [{**row, **too_few_answers("too few right answers")} for row in rows]
    for layer, reach in product(asked.states, (LAST, ALL) if asked.earlier else (LAST,)):
        place = {"layer": layer, "tokens": reach}
        measured = [*_inside_rows(asked, probe, patterns, layer, reach, ablations, seed)]
        measured += _rest_rows(asked, probe, patterns, layer, reach, ablations, seed)
        rows += [place | row for row in measured]
    return rows


def _inside_rows(
    asked: _Asked, probe: Probe, patterns: Patterns, layer: str, reach: str, ablations: Ablations, seed: int,
) -> Iterator[Row]:  # fmt: skip
    """Yield the answers without the component in every subspace, and what they lose beyond random ones as long."""
    harm: dict[tuple[str, str, int], np.ndarray] = {}
    for described, changes in _changes(asked, probe, patterns, layer, ablations, seed):
        marks = np.array([_still_right(asked, layer, reach, change) for change in changes])
        still = marks.mean(axis=0)
        norms = [relative_norm(change, asked.states[layer]) for change in changes]
        shares = {"accuracy_after": (still, asked.right | True), "harmed": (1 - still, asked.right)}
        names = {"relative_norm": float(np.mean(norms)), **described}
        yield from (names | row for row in _rows(asked, shares, seed))
        harm[described["direction"], described.get("control", "none"), described["rank"]] = ~marks
    for (direction, control, rank), lost in harm.items():
        if control == "none" and (RANDOM, RANDOM_SUBSPACE, rank) in harm:
            truth, right = asked.questions.table["number"].to_numpy().astype(np.int64), asked.right
            more = change_from(truth[right], harm[RANDOM, RANDOM_SUBSPACE, rank][:, right], lost[0, right])
            names = {"direction": direction, "component": INSIDE, "rank": rank, "metric": "harmed_over_random"}
            yield {**names, **interval_row(more, seed)}


def _rest_rows(
    asked: _Asked, probe: Probe, patterns: Patterns, layer: str, reach: str, ablations: Ablations, seed: int,
) -> Iterator[Row]:  # fmt: skip
    """Yield the right answers that become wrong where only the component in a subspace is left."""
    right = np.flatnonzero(asked.right)
    directions = _directions(asked, probe, patterns, layer, ablations, seed)
    for rank in ablations.interchange_ranks:
        for (name, _), inside in _without(asked, patterns, layer, directions, rank).items():
            if name == RANDOM:
                continue
            change = (_means(asked, patterns, layer) - asked.states[layer] - inside).astype(np.float32)
            still = np.ones(len(asked.questions))
            still[right] = _still_right(asked, layer, reach, change, right)
            norm = relative_norm(change[right], asked.states[layer][right])
            names = {"direction": name, "component": REST, "rank": rank, "relative_norm": norm}
            yield from (names | row for row in _rows(asked, {"harmed": (1 - still, asked.right)}, seed))


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
    directions = _directions(asked, probe, patterns, layer, ablations, seed)
    for rank in ablations.ranks:
        found = _without(asked, patterns, layer, directions, rank)
        own = {name: [found[name, 0]] for name in (READOUT, PATTERNS) if (name, 0) in found}
        for name, changes in own.items():
            yield {"direction": name, "component": INSIDE, "rank": rank}, changes
        drawn = [change for (name, _), change in found.items() if name == RANDOM]
        if drawn:
            yield {"direction": RANDOM, "component": INSIDE, "control": RANDOM_COMPONENT, "rank": rank}, drawn
        if drawn and own:
            longest = max((changes[0] for changes in own.values()), key=lambda change: float((change**2).sum()))
            scaled = [rescaled(change, longest) for change in drawn]
            yield {"direction": RANDOM, "component": INSIDE, "control": RANDOM_SUBSPACE, "rank": rank}, scaled
    means = _means(asked, patterns, layer)
    yield {"direction": STATE, "rank": probe.width}, [(means - asked.states[layer]).astype(np.float32)]


def _directions(
    asked: _Asked, probe: Probe, patterns: Patterns, layer: str, ablations: Ablations, seed: int
) -> dict[str, Directions]:
    """Return fold -> its subspaces."""
    most = max(ablations.ranks)
    return {fold: ordered_directions(probe, patterns, layer, fold, most, ablations.draws, seed) for fold in asked.folds}


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


def _still_right(
    asked: _Asked, layer: str, reach: str, change: np.ndarray, some: np.ndarray | None = None
) -> np.ndarray:
    """Return whether the answers with a change are right, bool [questions], or those to the questions `some` alone."""
    others = [place.become(layer, means[layer]) for place, means in asked.earlier] if reach == ALL else []
    edits, questions = [*others, shift(layer, asked.tokens, change)], asked.questions
    if some is not None:
        marks = np.zeros(len(questions), dtype=bool)
        marks[some] = True
        edits, questions = [of_some(edit, some) for edit in edits], questions.take(marks)
    return np.asarray(asked.answer_model.answers(questions, edits).values == questions.table["number"].to_numpy())


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
