"""What a model answers once the embedding rows of the numbers are moved to the fitted code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.answers.ask import Asker
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.evaluation.notes import NOT_APPLICABLE
from numprobe.evaluation.outcomes import Row, interval_row, outcome_rows
from numprobe.evaluation.predict import split_of
from numprobe.intervals import accuracy_interval
from numprobe.interventions.alignment import CONTROLS, is_moved, pattern_rank, relative_norm, row_changes
from numprobe.interventions.choice import TEST, VALIDATION, is_validation
from numprobe.interventions.embedding_rows import replaced_rows
from numprobe.models.architecture import output_matrix
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.splits import Split

#: Which rows move (the column `site`): those that the model reads, or also those that it scores the next token by.
INPUT, BOTH = "input", "both"
#: The matrices that the patterns of `vocabulary` are about.
EMBEDDING, UNEMBEDDING = "embedding", "unembedding"


@dataclass(frozen=True, eq=False)
class _Matrix:
    """The rows of one matrix that stand for numbers, float64 [n, width], and their way under every control."""

    rows: np.ndarray
    changes: Mapping[str, np.ndarray]

    def moved(self, control: str, strength: float) -> np.ndarray:
        return self.rows + strength * self.changes[control]


@dataclass(frozen=True, eq=False)
class _Numbers:
    """All numbers that are single tokens, ascending: int64 [n]; and the matrices by name."""

    values: np.ndarray
    tokens: np.ndarray
    matrices: Mapping[str, _Matrix]


def alignment_rows(
    asker: Asker,
    questions: Questions,
    patterns: Patterns,
    probe: Probe,
    strengths: Sequence[float],
    prompts: int,
    resamples: int,
    seed: int,
) -> list[Row]:
    """Gain and harm of moved embedding rows, by variant, control and strength; the strength is chosen on validation.

    Parameters
    ----------
    asker
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
    resamples, seed
        Of the bootstrap; the seed also draws prompts and controls.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `numprobe.evaluation.outcomes.INTERVENTION`, that lack
    `model` and `context`. `site`: `INPUT` or `BOTH`. Metrics of `outcome_rows`; and `embedding_accuracy` of each matrix
    (`layer`): the share of the moved rows that the probe reads as their own number. A row with a note if no operand is
    one token whose row moves.
    """
    split = split_of(probe)
    numbers = _numbers(asker, patterns, split, seed)
    moving = numbers.tokens[is_moved(numbers.values, split)]
    asked = sample_questions(questions.take(_about(questions, moving)), prompts, seed)
    found = list(_reading_rows(numbers, probe, split, strengths, resamples, seed))
    if not len(asked):
        return [*found, {"layer": EMBEDDING, "note": f"{NOT_APPLICABLE}: no operand is a token whose row moves"}]
    before = asker.answers(asked).values
    checking = is_validation(asked.table["value"].to_numpy(), seed)
    rank = int(np.median([pattern_rank(patterns, EMBEDDING, fold.name) for fold in split.folds]))
    for variant in (INPUT, BOTH):
        for control in CONTROLS:
            answers = {s: _answers(asker, asked, numbers, variant, control, s) for s in strengths}
            best = _best(asked, answers, checking)
            common = {"layer": EMBEDDING, "site": variant, "control": control, "probe": "patterns", "rank": rank}
            for strength, after in answers.items():
                norm = _relative_norm(numbers, variant, control, strength, split)
                moved = {"strength": strength, "relative_norm": norm, "chosen": strength == best}
                for side, part in ((VALIDATION, checking), (TEST, ~checking)):
                    if part.any():
                        rows = outcome_rows(asked.table.filter(part), before[part], after[part], resamples, seed)
                        found += [{**common, **moved, "prompts": side, **row} for row in rows]
    return found


def _numbers(asker: Asker, patterns: Patterns, split: Split, seed: int) -> _Numbers:
    tokens, _ = asker.numbers.number_tokens(split.values.tolist())
    values, ids = np.array(list(tokens), dtype=np.int64), np.array(list(tokens.values()), dtype=np.int64)
    found = {}
    for layer in patterns.layers:
        matrix = asker.parts.input_matrix if layer == EMBEDDING else output_matrix(asker.model)
        rows = matrix[ids.tolist()].detach().double().cpu().numpy()  # type: ignore[index]
        found[layer] = _Matrix(rows, row_changes(rows, values, patterns, layer, split, seed))
    return _Numbers(values, ids, found)


def _about(questions: Questions, tokens: np.ndarray) -> np.ndarray:
    """Whether an operand of a question is one of these tokens, bool [questions]."""
    found = np.zeros(len(questions), dtype=bool)
    for column in ("token_a", "token_b"):
        place = questions.table[column].cast(int).fill_null(-1).to_numpy()
        known = np.flatnonzero(place >= 0)
        found[known] |= np.isin(questions.ids[questions.bounds[known] + place[known]], tokens)
    return found


def _answers(
    asker: Asker, asked: Questions, numbers: _Numbers, variant: str, control: str, strength: float
) -> np.ndarray:
    matrices = _matrices(numbers, variant)
    moved = [matrix.moved(control, strength) for matrix in matrices]
    with replaced_rows(asker.model, numbers.tokens, *moved):
        return asker.answers(asked).values


def _matrices(numbers: _Numbers, variant: str) -> list[_Matrix]:
    """The matrices of a variant; where the model ties them, the output's rows are the input's."""
    read = numbers.matrices[EMBEDDING]
    return [read] if variant == INPUT else [read, numbers.matrices.get(UNEMBEDDING, read)]


def _best(asked: Questions, answers: Mapping[float, np.ndarray], checking: np.ndarray) -> float:
    """The strength that answers most validation prompts rightly, of several the smallest."""
    truth = asked.table["value"].to_numpy()
    return max(sorted(answers), key=lambda strength: int((answers[strength] == truth)[checking].sum()))


def _relative_norm(numbers: _Numbers, variant: str, control: str, strength: float, split: Split) -> float:
    """The relative length of the change of the rows that move, the mean over the matrices."""
    moving = is_moved(numbers.values, split)
    norms = [
        strength * relative_norm(matrix.changes[control], matrix.rows, moving) for matrix in _matrices(numbers, variant)
    ]
    return float(np.mean(norms))


def _reading_rows(
    numbers: _Numbers, probe: Probe, split: Split, strengths: Sequence[float], resamples: int, seed: int
) -> Iterator[Row]:
    """What the probe of the fold that has not seen a number reads in its row, as it is and moved."""
    for layer, matrix in numbers.matrices.items():
        places = [(control, strength) for control in CONTROLS for strength in strengths]
        for control, strength in [("none", 0.0), *places]:
            values, right = _readings(numbers.values, matrix.moved(control, strength), probe, layer, split)
            interval = accuracy_interval(values, right, resamples, seed)
            named = {"layer": layer, "control": control, "probe": probe.kind, "strength": strength}
            measured = {**interval_row(interval, seed), "resampled": interval.resampled}
            yield {**named, "metric": "embedding_accuracy", **measured}


def _readings(
    values: np.ndarray, rows: np.ndarray, probe: Probe, layer: str, split: Split
) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that folds hold out, and whether each is read rightly."""
    held = [np.flatnonzero(np.isin(split.block_of(values), fold.test)) for fold in split.folds]
    read = [
        probe.decode(rows[place], layer, fold.name) for place, fold in zip(held, split.folds, strict=True) if len(place)
    ]
    order = np.concatenate(held)
    return values[order], np.concatenate(read) == values[order]
