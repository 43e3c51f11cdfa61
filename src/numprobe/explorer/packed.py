"""Tables packed for a page: columns with each text once, compressed, as text that HTML can hold."""

import base64
import gzip
import json
from dataclasses import asdict
from typing import Any

import polars as pl

from numprobe.explorer.columns import QUANTITY, dimensions_of, in_order, intervals_of, units_of

#: Significant digits of the numbers on the page.
DIGITS = 6


def pack(table: pl.DataFrame) -> dict[str, Any]:
    """Return a table as columns for the page.

    A column of text holds its different `values`, in the order in which they are offered, and a `code` per row: the
    place of the row's value, -1 where there is none. A column of numbers holds the `numbers`, rounded to `DIGITS`
    significant digits, and None where there is none.
    """
    return {
        "rows": table.height,
        "quantity": QUANTITY if QUANTITY in table.columns else None,
        "dimensions": dimensions_of(table),
        "intervals": [asdict(interval) for interval in intervals_of(table)],
        "units": units_of(table),
        "columns": {name: _column(table[name]) for name in table.columns},
    }


def _column(column: pl.Series) -> dict[str, Any]:
    if column.dtype.is_integer():
        return {"numbers": column.to_list()}
    if column.dtype.is_float():
        finite = column.set(~column.is_finite(), None)
        return {"numbers": [_short(number) for number in finite.to_list()]}
    texts = column.cast(pl.String)
    values = in_order(column.name, texts.drop_nulls().unique(maintain_order=True))
    codes = texts.replace_strict(values, range(len(values)), return_dtype=pl.Int64, default=-1)
    return {"values": values, "codes": codes.to_list()}


def _short(number: float | None) -> float | int | None:
    """Return a number with few digits; whole ones without a decimal point."""
    if number is None:
        return None
    short = float(f"{number:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def compressed(content: Any) -> str:
    """Return anything that JSON can hold, compressed with gzip, as Base64; the same content gives the same text."""
    plain = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    return base64.b64encode(gzip.compress(plain, compresslevel=9, mtime=0)).decode("ascii")
