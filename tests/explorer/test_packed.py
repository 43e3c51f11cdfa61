"""A packed table holds all rows of the table."""

import base64
import gzip
import json
import math

import polars as pl

from explorer.unseen import unseen_table
from numprobe.explorer.packed import compressed, pack


def unpacked(packed: dict) -> pl.DataFrame:
    """The table that a page makes of packed columns."""
    columns = {}
    for name, column in packed["columns"].items():
        if "numbers" in column:
            columns[name] = column["numbers"]
        else:
            columns[name] = [None if code < 0 else column["values"][code] for code in column["codes"]]
    return pl.DataFrame(columns, strict=False)


def test_all_rows_and_columns_are_kept():
    table = unseen_table()
    back = unpacked(pack(table))
    assert back.columns == table.columns
    for name in table.columns:
        for one, other in zip(table[name].to_list(), back[name].to_list(), strict=True):
            if isinstance(one, float):
                assert math.isclose(one, other, rel_tol=1e-5)
            else:
                assert one == other


def test_what_json_cannot_hold_is_left_out():
    table = pl.DataFrame({"value": [1.0, math.nan, math.inf, None], "right": [True, False, None, True]})
    packed = pack(table)
    assert packed["columns"]["value"] == {"numbers": [1, None, None, None]}
    assert unpacked(packed)["right"].to_list() == ["true", "false", None, "true"]


def test_compressed_content_is_the_same_each_time_and_can_be_read_again():
    packed = pack(unseen_table())
    text = compressed(packed)
    assert compressed(packed) == text
    assert text.isascii() and "<" not in text
    assert json.loads(gzip.decompress(base64.b64decode(text))) == packed
