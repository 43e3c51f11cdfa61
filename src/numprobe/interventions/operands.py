"""Sums and differences in symbols, and the tokens of their operands."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.errors import NumprobeError
from numprobe.interventions.folds import is_tested
from numprobe.probes.patterns import Patterns
from numprobe.prompts.examples import numbers_written
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.splits import Split

#: Operations whose operands, in symbols, are read where the patterns of a context of kind operand are fitted.
OPERATIONS = ("+", "-")


def operand_questions(questions: Questions, operand: str, patterns: Patterns, split: Split) -> Questions:
    """Return the sums and differences in symbols whose operand is a test number of some fold.

    Operands that occur in a worked example are left out.

    Parameters
    ----------
    questions
        All questions.
    operand
        "a" or "b".
    patterns, split
        The folds that were fitted, and their test numbers.

    Raises
    ------
    NumprobeError
        If there are none.
    """
    shown = pl.col(operand).is_in(sorted(numbers_written(questions.examples)))
    written = in_symbols() & ~shown & pl.col(f"token_{operand}").is_not_null()
    usable = questions.table.select(written).to_series().to_numpy()
    found = questions.take(usable & is_tested(questions.table[operand].to_numpy(), split, patterns.folds))
    if not len(found):
        raise NumprobeError(
            f"no sum or difference in symbols has an operand {operand} that is a test number of a fold: "
            "the context of kind result needs more prompts (per_value), or the operations + and -"
        )
    return found


def in_symbols() -> pl.Expr:
    """Return an expression for whether a prompt contains a question in symbols (column `template`)."""
    # Without the result, which is in the assistant's message of a chat.
    asked = [ARITHMETIC_TEMPLATES[operation][0].removesuffix(" {c}") for operation in OPERATIONS]
    return pl.any_horizontal(pl.col("template").str.contains(symbols, literal=True) for symbols in asked)


def operand_tokens(questions: Questions, operand: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the last token and the number of tokens of an operand in every question, both int64 [questions]."""
    columns = (f"token_{operand}", f"tokens_{operand}")
    last, lengths = (questions.table[column].to_numpy().astype(np.int64) for column in columns)
    return last, lengths


def read_later(layers: Sequence[str], patterns: Patterns, answer_model: AnswerModel) -> list[str]:
    """Return the layers that later tokens read and the patterns have, which excludes the last block's."""
    last = len(answer_model.parts.blocks)
    return [layer for layer in layers if layer in patterns.layers and layer.isdecimal() and int(layer) < last]
