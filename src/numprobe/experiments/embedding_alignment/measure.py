"""Answers of a model whose number embeddings were moved to the fitted code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.experiments.asked import load_asked
from numprobe.experiments.embedding_alignment.alignment import CONTROLS, pattern_rank, row_changes
from numprobe.experiments.embedding_alignment.embedding_rows import replaced_rows
from numprobe.experiments.given import Given
from numprobe.intervals import accuracy_interval
from numprobe.interventions.choice import TEST, VALIDATION, best_setting, is_validation
from numprobe.interventions.directions import relative_norm
from numprobe.interventions.folds import is_tested, unseen_folds
from numprobe.measure.outcomes import INTERVENTION, outcome_rows
from numprobe.measure.predict import split_of
from numprobe.models.architecture import output_matrix
from numprobe.probes.patterns import Patterns, load_patterns
from numprobe.probes.probe import Probe, load_probe
from numprobe.splits import Split
from numprobe.status import not_applicable
from numprobe.tables import Row

#: Which rows move (the column `site`): those that the model reads, or also those that it scores the next token by.
INPUT, BOTH = "input", "both"
#: The matrices that the patterns of `vocabulary` are about.
EMBEDDING, UNEMBEDDING = "embedding", "unembedding"
#: Columns that the table adds to `numprobe.tables.MEASUREMENT`. `direction`: what the rows move along.
COLUMNS = {**INTERVENTION, "direction": pl.String}


@dataclass(frozen=True, eq=False)
class _Matrix:
    """The rows of one matrix that stand for numbers, float64 [n, width], and their way under every control."""

    rows: np.ndarray
    changes: Mapping[str, np.ndarray]

    def moved(self, control: str, strength: float) -> np.ndarray:
        """Return the rows moved by `strength` times a control's way, float64 [n, width]."""
        return self.rows + strength * self.changes[control]


@dataclass(frozen=True, eq=False)
class _Numbers:
    """All numbers that are single tokens, ascending: int64 [n]; whether they move; and the matrices by name."""

    values: np.ndarray
    tokens: np.ndarray
    moving: np.ndarray
    matrices: Mapping[str, _Matrix]

    def of_variant(self, variant: str) -> list[_Matrix]:
        """Return the matrices whose rows move; where the model ties them, the output's rows are the input's."""
        read = self.matrices[EMBEDDING]
        return [read] if variant == INPUT else [read, self.matrices.get(UNEMBEDDING, read)]

    def relative_norm(self, variant: str, control: str, strength: float) -> float:
        """Return the mean length of the change in units of each row's distance from the mean row, over the matrices."""
        norms = [
            relative_norm(matrix.changes[control][self.moving], (matrix.rows - matrix.rows.mean(axis=0))[self.moving])
            for matrix in self.of_variant(variant)
        ]
        return strength * float(np.mean(norms))


def align_embeddings(given: Given) -> None:
    """Write the table of a model and context: answers once the embedding rows of the numbers are moved."""
    patterns, probe, values = load_patterns(given.file("patterns")), load_probe(given.file("probe")), given.values
    effort = values["strengths"], values["prompts"], values["seed"]
    rows = alignment_rows(*load_asked(given), patterns, probe, *effort)
    given.write_rows(rows, COLUMNS)


def alignment_rows(
    answer_model: AnswerModel,
    questions: Questions,
    patterns: Patterns,
    probe: Probe,
    strengths: Sequence[float],
    prompts: int,
    seed: int,
) -> list[Row]:
    """Return gain and harm of moved rows, by variant, control and strength; validation prompts choose the strength.

    Parameters
    ----------
    answer_model
        The model.
    questions
        All questions. Those with an operand whose row moves are asked.
    patterns
        Fitted on `vocabulary` of this model.
    probe
        The `fourier` probe of `vocabulary`: its folds say which pattern has not seen a number.
    strengths
        How far rows move: 0 (stay) to 1 (all the way).
    prompts
        Questions of each operation at the most.
    seed
        The study's seed: it draws prompts and controls.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `COLUMNS`, that lack `model` and `context`. `site`: `INPUT`
    or `BOTH`. Metrics of `outcome_rows`; and `embedding_accuracy` of each matrix (`layer`): the share of the moved rows
    that the probe reads as their own number. A row with a status if no operand is one token whose row moves.
    """
    split = split_of(probe)
    numbers = _numbers(answer_model, patterns, split, seed)
    found = list(_reading_rows(numbers, probe, split, strengths, seed))
    about = questions.take(_about(questions, numbers.tokens[numbers.moving]))
    if not len(about):
        return [*found, {"layer": EMBEDDING, **not_applicable("no operand is a token whose row moves")}]
    asked = sample_questions(about, prompts, seed)
    before = answer_model.answers(asked).values
    choosing = is_validation(asked.table["number"].to_numpy(), seed)
    rank = int(np.median([pattern_rank(patterns, EMBEDDING, fold.name) for fold in split.folds]))
    for variant, control in product((INPUT, BOTH), CONTROLS):
        after = {s: _answers(answer_model, asked, numbers, variant, control, s) for s in strengths}
        best = _best(asked, after, choosing)
        common = {"layer": EMBEDDING, "site": variant, "control": control, "direction": "patterns", "rank": rank}
        for strength, (name, part) in product(strengths, ((VALIDATION, choosing), (TEST, ~choosing))):
            size = {"strength": strength, "relative_norm": numbers.relative_norm(variant, control, strength)}
            described = {**common, **size, "part": name, "chosen": strength == best}
            if part.any():
                table = asked.table.filter(part)
                rows = outcome_rows(table, before[part], after[strength][part], seed, strength == best)
                found += [described | row for row in rows]
    return found


def _numbers(answer_model: AnswerModel, patterns: Patterns, split: Split, seed: int) -> _Numbers:
    tokens, _ = answer_model.numbers.number_tokens(split.values.tolist())
    values, ids = np.array(list(tokens), dtype=np.int64), np.array(list(tokens.values()), dtype=np.int64)
    found = {}
    for layer in patterns.layers:
        matrix = answer_model.parts.input_matrix if layer == EMBEDDING else output_matrix(answer_model.model)
        rows = matrix[ids.tolist()].detach().double().cpu().numpy()  # type: ignore[index]
        found[layer] = _Matrix(rows, row_changes(rows, values, patterns, layer, split, seed))
    return _Numbers(values, ids, is_tested(values, split, patterns.folds), found)


def _about(questions: Questions, tokens: np.ndarray) -> np.ndarray:
    """Return whether an operand of each question is one of these tokens, bool [questions]."""
    found = np.zeros(len(questions), dtype=bool)
    for name in ("a", "b"):
        alone = pl.when(pl.col(f"tokens_{name}") == 1).then(pl.col(f"token_{name}"))
        place = questions.table.select(alone.cast(pl.Int64).fill_null(-1)).to_series().to_numpy()
        known = np.flatnonzero(place >= 0)
        found[known] |= np.isin(questions.ids[questions.bounds[known] + place[known]], tokens)
    return found


def _answers(
    answer_model: AnswerModel, asked: Questions, numbers: _Numbers, variant: str, control: str, strength: float
) -> np.ndarray:
    moved = [matrix.moved(control, strength) for matrix in numbers.of_variant(variant)]
    with replaced_rows(answer_model.model, numbers.tokens, *moved):
        return answer_model.answers(asked).values


def _best(asked: Questions, after: Mapping[float, np.ndarray], choosing: np.ndarray) -> float:
    """Return the strength that answers most of the prompts that choose correctly."""
    right = {strength: values == asked.table["number"].to_numpy() for strength, values in after.items()}
    return best_setting({(EMBEDDING, strength): float(marks[choosing].sum()) for strength, marks in right.items()})[1]


def _reading_rows(
    numbers: _Numbers, probe: Probe, split: Split, strengths: Sequence[float], seed: int
) -> Iterator[Row]:
    """Yield the readings of each number's row, as it is and moved, by the probe of the fold that has not seen it."""
    for layer, matrix in numbers.matrices.items():
        places = [(control, strength) for control in CONTROLS for strength in strengths]
        for control, strength in [("none", 0.0), *places]:
            values, right = _readings(numbers.values, matrix.moved(control, strength), probe, layer, split)
            interval = accuracy_interval(values, right)
            named = {"layer": layer, "control": control, "probe": probe.kind, "strength": strength}
            yield {**named, "metric": "embedding_accuracy", **interval.columns(), "seed": seed}


def _readings(
    values: np.ndarray, rows: np.ndarray, probe: Probe, layer: str, split: Split
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers that folds hold out, and whether each is read correctly."""
    folds = unseen_folds(values, split, probe.folds)
    read = [probe.decode(rows[place], layer, fold) for fold, place in folds.items()]
    order = np.concatenate(list(folds.values()))
    return values[order], np.concatenate(read) == values[order]
