"""Reasons why numerals are left out, in words for people (docs/numbers.md)."""

import polars as pl

#: Reason -> what it says of a numeral.
REASONS = {
    "grouped": "groups of three digits",
    "decimal": "a full stop or comma between digits, or before them",
    "negative": "a sign directly before the digits",
    "leading_zeros": "zeros in front",
    "scientific": "a power of ten",
    "date": "a date",
    "time": "a time",
    "compound": "several separators, or signs without width, between digits",
    "identifier": "a part of a name or code",
    "other_digits": "digits of another script or kind, or beside such",
    "glued": "a token holds other characters too, or what parts it from other digits is not in the tokens",
    "unknown": "a token of it is the unknown one",
    "too_long": "beyond the longest text that the model takes",
    "multi_token": "several tokens, and the probe knows numbers of one",
    "out_of_range": "not among the numbers that the probe knows",
}


def describe_reading(table: pl.DataFrame) -> str:
    """Return which numerals were read and which were left out, and why, in some lines.

    Parameters
    ----------
    table
        What `Probe.read` returns.
    """
    numerals = table.unique(["start", "end"], keep="first", maintain_order=True)
    read = numerals.filter(pl.col("reason").is_null())["written"].to_list()
    lines = [f"read: {', '.join(read) or 'none'}"]
    for reason in numerals["reason"].drop_nulls().unique(maintain_order=True):
        left_out = numerals.filter(pl.col("reason") == reason)["written"]
        lines.append(f"left out, {reason} ({REASONS[reason]}): {'  '.join(left_out)}")
    return "\n".join(lines)
