"""Sums and differences in symbols, and the same questions with another operand."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from numprobe.answers.questions import Questions, find_questions
from numprobe.errors import NumprobeError
from numprobe.interventions.folds import Folds, unseen_folds
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.patterns import Patterns
from numprobe.prompts.examples import numbers_written
from numprobe.prompts.filling import fill_template
from numprobe.prompts.table import prompt_table
from numprobe.prompts.templates import RESULTS
from numprobe.seeding import generator
from numprobe.splits import Split


@dataclass(frozen=True, eq=False)
class Replacement:
    """Questions, and the same questions with another operand.

    Attributes
    ----------
    questions
        The original questions.
    replaced
        The same questions with the other number in place of the operand; all other tokens are the same.
    operands
        int64 [questions]: the original operand n.
    numbers
        int64 [questions]: the number m in its place, from the same test block, so that one fold has seen neither.
    wrong
        int64 [questions]: a third number of this block.
    """

    questions: Questions
    replaced: Questions
    operands: np.ndarray
    numbers: np.ndarray
    wrong: np.ndarray

    def take(self, rows: np.ndarray) -> "Replacement":
        """Return the questions at `rows`, bool [questions]."""
        arrays = {name: getattr(self, name)[rows] for name in ("operands", "numbers", "wrong")}
        return replace(self, questions=self.questions.take(rows), replaced=self.replaced.take(rows), **arrays)


def replace_operands(
    questions: Questions, operand: str, tokenizer: NumberTokenizer, patterns: Patterns, split: Split, seed: int
) -> Replacement:
    """Draw another number for the operand of every question.

    Two other numbers are drawn uniformly from those of the operand's test block that give a result within the range.
    Questions without two such numbers, or whose number of tokens changes with the first of them, are left out.

    Parameters
    ----------
    questions, operand, patterns, split
        As for `numprobe.interventions.operands.operand_questions`, which returns the questions.
    tokenizer
        The model's tokenizer.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If no question is left.
    """
    operands = questions.table[operand].to_numpy().astype(np.int64)
    folds = unseen_folds(operands, split, patterns.folds)
    numbers, wrong = _draw(questions, operand, split, folds, seed)
    drawn = numbers >= 0
    if not drawn.any():
        raise NumprobeError(
            f"no operand {operand} has two other test numbers of its fold that could take its place: use fewer folds "
            "(split.folds) or more prompts (per_value)"
        )
    replaced = _written(questions.take(drawn), operand, numbers[drawn], tokenizer)
    same = ["prompt", "n_tokens", "answer_tokens", f"token_{operand}", f"tokens_{operand}"]
    alike = questions.table.join(replaced.table.select(same), on=same, how="semi")["prompt"]
    kept = questions.table["prompt"].is_in(alike.implode()).to_numpy()
    # Other operands stand in another order.
    among = questions.table.filter(kept).join(
        replaced.table.select("prompt").with_row_index("place"), on="prompt", maintain_order="left"
    )
    matched = replaced.take(among.select(pl.col("place").cast(pl.Int64)).to_series().to_numpy())
    return Replacement(questions.take(kept), matched, operands[kept], numbers[kept], wrong[kept])


def results_with(table: pl.DataFrame, operand: str, numbers: np.ndarray) -> np.ndarray:
    """Return the true results with `numbers` (int64 [questions]) in place of an operand, int64 [questions]."""
    a, b = (numbers if name == operand else table[name].to_numpy().astype(np.int64) for name in ("a", "b"))
    return np.where(table["operation"].to_numpy() == "+", RESULTS["+"](a, b), RESULTS["-"](a, b))  # type: ignore[arg-type]


def _draw(questions: Questions, operand: str, split: Split, folds: Folds, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two other numbers for each question; -1 if there are no two."""
    table, written = questions.table, sorted(numbers_written(questions.examples))
    drawn = np.full((2, table.height), -1, dtype=np.int64)
    blocks = {fold.name: fold.test for fold in split.folds}
    for fold, rows in folds.items():
        candidates = split.values_in(blocks[fold])
        for row in rows:
            repeated = table[np.full(len(candidates), row)]
            results = results_with(repeated, operand, candidates)
            fits = (results >= split.minimum) & (results <= split.maximum) & (candidates != repeated[operand][0])
            fits &= ~np.isin(results, written) & ~np.isin(candidates, written)
            if fits.sum() >= 2:
                rng = generator(seed, "replacement", int(repeated["prompt"][0]))
                drawn[:, row] = rng.choice(candidates[fits], size=2, replace=False)
    return drawn[0], drawn[1]


def _written(questions: Questions, operand: str, numbers: np.ndarray, tokenizer: NumberTokenizer) -> Questions:
    table = questions.table
    results = pl.Series("number", results_with(table, operand, numbers))
    rows = []
    for row in table.with_columns(pl.Series(operand, numbers), results).iter_rows(named=True):
        text, spans = fill_template(row["template"], {"a": row["a"], "b": row["b"], "c": row["number"]})
        place = {"start": spans["c"][0], "end": spans["c"][1]}
        rows.append({**row, **place, "text": text, "read_at": "before", "text_split": "any"})
    found = find_questions(prompt_table(rows), tokenizer, examples=questions.examples)
    return replace(found, answer_length=questions.answer_length)
