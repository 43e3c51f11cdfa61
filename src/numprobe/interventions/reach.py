"""The tokens that an intervention on a multi-token operand edits: its last alone, or all of them."""

import polars as pl

#: The edited tokens of an operand: its last alone, or all of them. The effect of the second bounds that of the first,
#: since later tokens still attend to the other digits.
LAST, ALL = "last", "all"
_ENDING = ", all tokens"


def by_tokens(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which rows on all tokens of operands have the model name "{model}, all tokens".

    Parameters
    ----------
    table
        A table with `model` and `tokens` (`LAST`, `ALL` or null).
    """
    return table.with_columns(model=pl.when(tokens=ALL).then(pl.col("model") + _ENDING).otherwise("model"))


def model_of(name: str) -> str:
    """Return the model of a name from `by_tokens`, or of a name that begins with one."""
    return name.replace(_ENDING, "")
