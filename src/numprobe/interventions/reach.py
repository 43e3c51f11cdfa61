"""Interventions on an operand of several tokens: at its last token alone, or at all of them."""

import polars as pl

#: The tokens of an operand that are changed: its last alone, or all of them. What the second does is the ceiling of the
#: first: later tokens still attend to the other digits.
LAST, ALL = "last", "all"
_ENDING = ", all tokens"


def by_tokens(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which rows on all tokens of operands stand for a model of their own, "{model}, all tokens".

    Parameters
    ----------
    table
        With `model` and `tokens` (`LAST`, `ALL` or null).
    """
    return table.with_columns(model=pl.when(tokens=ALL).then(pl.col("model") + _ENDING).otherwise("model"))


def model_of(name: str) -> str:
    """Return the model that a name of `by_tokens`, or one that begins with it, stands for."""
    return name.replace(_ENDING, "")
