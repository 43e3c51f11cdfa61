"""Explain why numerals are left out (docs/numbers.md)."""

import polars as pl

#: Reason -> explanation.
REASONS = {
    "grouped": "groups of three digits",
    "decimal": "a full stop or comma between digits, or before them",
    "negative": "a sign directly before the digits",
    "leading_zeros": "leading zeros",
    "scientific": "a power of ten",
    "date": "a date",
    "time": "a time",
    "compound": "several separators, or characters without width, between digits",
    "identifier": "a part of a name or code",
    "other_digits": "digits of another script or kind, or next to such",
    "glued": "a token holds other characters too, or the tokens do not separate it from other digits",
    "unknown": "one of its tokens is the unknown token",
    "too_long": "beyond the length limit of the model",
    "multi_token": "several tokens, but the probe reads single tokens only",
    "out_of_range": "not among the candidates of the probe",
}


def describe_reading(table: pl.DataFrame) -> str:
    """Return lines that list the numerals that were read, and those left out with their reasons.

    Parameters
    ----------
    table
        Result of `Probe.read`.
    """
    numerals = table.unique(["start", "end"], keep="first", maintain_order=True)
    read = numerals.filter(pl.col("reason").is_null())["written"].to_list()
    lines = [f"read: {', '.join(read) or 'none'}"]
    for reason in numerals["reason"].drop_nulls().unique(maintain_order=True):
        left_out = numerals.filter(pl.col("reason") == reason)["written"]
        lines.append(f"left out, {reason} ({REASONS[reason]}): {'  '.join(left_out)}")
    return "\n".join(lines)
