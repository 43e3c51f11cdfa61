"""Is the subspace from which a number is read the one that the model uses? Interchange in both, and their angles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import torch

from numprobe.answers.ask import AnswerModel
from numprobe.experiments.asked import load_answer_model
from numprobe.experiments.causal_subspace.learn import known_pairs
from numprobe.experiments.causal_subspace.reading import fit_readout, read_test_numbers
from numprobe.experiments.causal_subspace.subspaces import Subspaces, load_subspaces
from numprobe.experiments.given import Given
from numprobe.intervals import accuracy_interval, prompt_accuracy_interval
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.directions import random_basis, relative_norm
from numprobe.interventions.interchange import Interchange, find_interchange
from numprobe.interventions.pair_settings import ANSWER
from numprobe.interventions.pairs import TEST, TRAIN, VALIDATION, interchange_split
from numprobe.interventions.states import states_at
from numprobe.measure.outcomes import interval_row
from numprobe.measure.subspaces import overlap, principal_angles, random_angles
from numprobe.probes.patterns import Patterns, load_patterns
from numprobe.probes.probe import Probe, load_probe
from numprobe.probes.readout import readout_basis
from numprobe.splits import Split

Row = dict[str, Any]

#: Columns of the table beside the shared ones. `draw`: the random start, or which random subspace; null: all together.
#: `tokens`: of the operand that are changed (`numprobe.interventions.reach`), null where no answers are measured.
EXTRA = {
    "subspace": pl.String,
    "draw": pl.Int64,
    "rank": pl.Int64,
    "relative_norm": pl.Float64,
    "other_subspace": pl.String,
    "angle": pl.UInt32,
    "tokens": pl.String,
}
#: Values of the column `subspace`: trained by interchange; what the study's probe reads from, and a probe of this layer
#: alone; where the states move with the number; the directions of largest variance; random.
CAUSAL, READOUT, OWN, PATTERN, VARIANCE, RANDOM = (
    "causal", "read-out", "layer's read-out", "pattern", "variance", "random",
)  # fmt: skip
#: The whole state is interchanged; nothing is; and the counterfactual prompt itself is asked.
WHOLE, NOTHING, ASKED = "whole state", "nothing", "asked"
#: Metrics of the answers to the test pairs.
FOLLOWED, KEPT, OTHER, HARMED = "interchange_accuracy", "base_kept", "other_answer", "harmed"
SEEDS = "seeds (range)"
#: The `note` of models that are to be led to their own answers.
OWN_ANSWERS = "counterfactual: the model's own answer"
RANDOM_SUBSPACES = "random subspaces (95 %)"


@dataclass(frozen=True, eq=False)
class Space:
    """A subspace at one layer: name, draw, and orthonormal columns float64 [width, rank]; None: the whole state."""

    name: str
    draw: int | None
    basis: np.ndarray | None

    @property
    def names(self) -> Row:
        """The columns that tell it apart."""
        return {
            "subspace": self.name,
            "draw": self.draw,
            "rank": None if self.basis is None else self.basis.shape[1],
            "control": "random" if self.name == RANDOM else "none",
        }


@dataclass(frozen=True, eq=False)
class Study:
    """Inputs of one model's rows beside the model and its subspaces.

    Attributes
    ----------
    split
        The study's.
    probe, patterns
        A `fourier` probe that reads an operand at its own token, and the patterns fitted with it.
    random
        How many random subspaces.
    seed
        The study's seed.
    """

    split: Split
    probe: Probe
    patterns: Patterns
    random: int
    seed: int

    @property
    def fold(self) -> str:
        """The fold that has not seen the numbers of the test pairs."""
        return self.split.folds[0].name


def evaluate_causal_subspace(given: Given) -> None:
    """Write the table of a model and context: interchange in the learned subspaces and in others, and their angles."""
    values = given.values
    probe, patterns = load_probe(given.file("probe")), load_patterns(given.file("patterns"))
    learned = load_subspaces(given.file("subspaces"))
    study = Study(given.split, probe, patterns, values["random"], values["seed"])
    given.write_rows(causal_subspace_rows(load_answer_model(given), learned, study), EXTRA)


def causal_subspace_rows(answer_model: AnswerModel, learned: Subspaces, study: Study) -> list[Row]:
    """Return all that is measured on the test pairs, layer by layer.

    Parameters
    ----------
    answer_model
        The model on which the subspaces were trained.
    learned
        The subspaces.
    study
        The split, what reads and writes numbers, and the bootstrap.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model` and `context`. Metrics: `interchange_accuracy`
    (the answer is the counterfactual one), `base_kept` (the answer is the same as without interchange), `other_answer`,
    `harmed` (of the right answers, those that a source with the same operand makes wrong); of these `tokens`:
    `last`, the state at the operand's last token is changed; `all`, where operands have several, and the earlier ones
    are the source's. `accuracy_component`
    and `accuracy_complement` (a probe refitted on that part of the states, on unseen numbers), `overlap`, `angle`, and
    of every start `steps` and `validation_loss`. `note`: `OWN_ANSWERS` where the pairs lead to the model's own answers.
    """
    split, drawn = interchange_split(study.split, study.seed), known_pairs(learned.metadata)
    pairs = {part: drawn.draw(part, split, study.seed, answer_model) for part in (TRAIN, VALIDATION, TEST)}
    plain = _plain_answers(answer_model, pairs[TEST])
    rows: list[Row] = []
    told = {"note": OWN_ANSWERS} if drawn.target == ANSWER else {}
    for layer in learned.metadata["candidates"]:
        measured = _layer_rows(answer_model, layer, pairs, plain, learned, split, study)
        rows += [{"layer": layer, "seed": study.seed, **told, **row} for row in measured]
    return rows


def _layer_rows(
    answer_model: AnswerModel,
    layer: str,
    pairs: Mapping[str, AskedPairs],
    plain: "_Plain",
    learned: Subspaces,
    split: Split,
    study: Study,
) -> Iterator[Row]:
    """Yield all rows of one layer; where no basis was trained, interchange of the whole state alone."""
    test, same = (find_interchange(answer_model, pairs[TEST], layer, source) for source in ("source", "same"))
    if layer not in learned.layers:
        yield from _answer_rows(answer_model, test, same, plain, [Space(WHOLE, None, None)], study)
        return
    states, values = _numbers(
        [*(find_interchange(answer_model, pairs[part], layer) for part in (TRAIN, VALIDATION)), test]
    )
    spaces = _spaces(layer, learned, states, values, split, study)
    yield from _answer_rows(answer_model, test, same, plain, spaces, study)
    yield from _reading_rows(states, values, spaces, split, study)
    yield from _angle_rows(spaces, states.shape[1], study.seed)
    yield from _training_rows(layer, learned)


def _numbers(parts: Sequence[Interchange]) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of the sources float32 [n, width], and their operands int64 [n]."""
    values = np.concatenate([part.pairs.numbers for part in parts])
    return np.concatenate([part.states.cpu().numpy() for part in parts]), values


def _spaces(
    layer: str, learned: Subspaces, states: np.ndarray, values: np.ndarray, split: Split, study: Study
) -> list[Space]:
    """Return all subspaces of one layer, of the rank of the trained ones as far as they have so many directions."""
    rank, width = learned.basis(layer, learned.seeds[0]).shape[1], states.shape[1]
    train = ~np.isin(split.block_of(values), split.folds[0].test)
    own = fit_readout(states, values, split, split.folds[1])
    centred = states[train].astype(np.float64) - states[train].mean(axis=0, dtype=np.float64)
    fixed = {
        READOUT: readout_basis(study.probe.tensors[layer, study.fold]),
        OWN: np.empty((width, 0)) if own is None else readout_basis(own),
        PATTERN: study.patterns.basis(layer, study.fold, rank),
        VARIANCE: np.fliplr(np.linalg.eigh(centred.T @ centred)[1]).copy(),
    }
    drawn = [random_basis(width, rank, study.seed, "causal_subspace", layer, draw) for draw in range(study.random)]
    return [
        *(Space(CAUSAL, seed, learned.basis(layer, seed).astype(np.float64)) for seed in learned.seeds),
        *(Space(name, None, basis[:, :rank]) for name, basis in fixed.items() if basis.shape[1]),
        *(Space(RANDOM, draw, basis) for draw, basis in enumerate(drawn)),
        Space(WHOLE, None, None),
    ]


# --- answers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Plain:
    """The model's answers to the unchanged base and counterfactual prompts, in the order of the pairs."""

    base: np.ndarray
    asked: np.ndarray


def _plain_answers(answer_model: AnswerModel, pairs: AskedPairs) -> _Plain:
    base, asked = (answer_model.answers(pairs.questions[name]).values for name in ("base", "counterfactual"))
    return _Plain(base, asked[pairs.order["counterfactual"]])


@dataclass(frozen=True, eq=False)
class _Outcome:
    """The model's answers to the test pairs under one interchange, and to sources with the same operand."""

    space: Space
    answers: np.ndarray
    same: np.ndarray
    relative_norm: float


def _answer_rows(
    answer_model: AnswerModel,
    test: Interchange,
    same: Interchange,
    plain: _Plain,
    spaces: Sequence[Space],
    study: Study,
) -> Iterator[Row]:
    (states,) = states_at(answer_model, test.pairs.base, test.layer, [test.pairs.tokens("base")])
    for reach in test.pairs.reaches:
        outcomes = [_outcome(answer_model, test, same, states, space, reach) for space in spaces]
        yield from ({"tokens": reach, **row} for row in _reach_rows(test.pairs, outcomes, plain, study))


def _reach_rows(pairs: AskedPairs, outcomes: Sequence[_Outcome], plain: _Plain, study: Study) -> Iterator[Row]:
    """Yield what is answered with every subspace, beside the answers without interchange."""
    for group in _grouped(outcomes):
        yield from _shares(group, plain.base, pairs.table, pairs.base.table["number"].to_numpy(), study)
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


# --- readings ---------------------------------------------------------------------------------------------------------


def _reading_rows(
    states: np.ndarray, values: np.ndarray, spaces: Sequence[Space], split: Split, study: Study
) -> Iterator[Row]:
    """Yield a refitted probe's readings of each component and the rest; of random and trained subspaces the first."""
    for space in spaces:
        if space.draw:
            continue
        parts = {"accuracy_component": states}
        if space.basis is not None:
            component = states @ space.basis
            parts = {"accuracy_component": component, "accuracy_complement": states - component @ space.basis.T}
        for metric, part in parts.items():
            read = read_test_numbers(part, values, split)
            if read is None:
                continue
            found = accuracy_interval(read[0], read[0] == read[1])
            row = {**found.columns(), "seed": study.seed, "probe": study.probe.kind}
            yield {**space.names, "metric": metric, **row}


# --- angles -----------------------------------------------------------------------------------------------------------


def _angle_rows(spaces: Sequence[Space], width: int, seed: int) -> Iterator[Row]:
    """Yield principal angles of the trained subspaces with the others and each other, and of the others."""
    bases: dict[str, list[np.ndarray]] = {}
    for space in spaces:
        if space.basis is not None and space.name != RANDOM:
            bases.setdefault(space.name, []).append(space.basis)
    if len(bases[CAUSAL]) > 1:
        yield from _compared(CAUSAL, CAUSAL, list(combinations(bases[CAUSAL], 2)), width, seed)
    for one, other in combinations(bases, 2):
        pairs = [(a, b) for a in bases[one] for b in bases[other]]
        yield from _compared(one, other, pairs, width, seed)


def _compared(
    one: str, other: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]], width: int, seed: int
) -> Iterator[Row]:
    """Yield overlap and angles, the mean over the seeds with their range, and the same of random subspaces."""
    ranks = [basis.shape[1] for basis in pairs[0]]
    names = {"subspace": one, "other_subspace": other, "rank": ranks[0]}
    angles = np.array([principal_angles(*pair) for pair in pairs])
    null = random_angles(width, *ranks, seed)
    yield {**names, "metric": "overlap", **_range([overlap(row) for row in angles])}
    bounds = {"control": "random", "resampled": RANDOM_SUBSPACES}
    ends = {"value": null.overlap, "ci_low": null.overlap_low, "ci_high": null.overlap_high}
    yield {**names, "metric": "overlap", **ends, **bounds}
    for place in range(angles.shape[1]):
        angle = {**names, "metric": "angle", "angle": place + 1}
        yield {**angle, **_range(angles[:, place].tolist())}
        low, high = float(null.angle_low[place]), float(null.angle_high[place])
        yield {**angle, "value": float(null.angle[place]), "ci_low": low, "ci_high": high, **bounds}


def _range(values: Sequence[float]) -> Row:
    if len(values) == 1:
        return {"value": values[0]}
    return {"value": float(np.mean(values)), "ci_low": min(values), "ci_high": max(values), "resampled": SEEDS}


def _training_rows(layer: str, learned: Subspaces) -> Iterator[Row]:
    for start in learned.seeds:
        names = {"subspace": CAUSAL, "draw": start, "rank": learned.basis(layer, start).shape[1]}
        found = learned.metadata["learned"][f"{layer}/{start}"]
        yield {**names, "metric": "steps", "value": float(found["steps"])}
        yield {**names, "metric": "validation_loss", "value": float(found["loss"])}
