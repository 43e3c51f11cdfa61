"""The prompt table: one row per number in a text, checked whenever it is written or read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.tables import read_table, write_table

#: One row per number in a text (docs/files.md).
PROMPTS = pl.Schema(
    {
        "prompt": pl.UInt32,
        "text": pl.String,
        "value": pl.Int32,
        "start": pl.UInt32,
        "end": pl.UInt32,
        "read_at": pl.String,
        "operation": pl.String,
        "a": pl.Int32,
        "b": pl.Int32,
        "template": pl.String,
        "domain": pl.String,
        "text_split": pl.String,
    }
)

READ_AT = ("token", "before")
TEXT_SPLITS = ("train", "test", "any")

_REQUIRED = ("prompt", "text", "value", "start", "end", "read_at", "template", "text_split")


def prompt_table(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """A prompt table from rows, in which `operation`, `a`, `b` and `domain` may be left out (null)."""
    return pl.DataFrame([{name: row.get(name) for name in PROMPTS} for row in rows], schema=PROMPTS)


def write_prompts(path: str | Path, table: pl.DataFrame, metadata: Mapping[str, Any]) -> None:
    """Check a prompt table and write it atomically, with `metadata` (see `numprobe.tables.write_table`).

    Raises
    ------
    NumprobeError
        If the table is not a valid prompt table (see `check_prompts`).
    """
    check_prompts(table, path)
    write_table(path, table, metadata)


def read_prompts(path: str | Path) -> pl.DataFrame:
    """Read and check a prompt table.

    Raises
    ------
    NumprobeError
        If the file is missing, damaged, or not a valid prompt table (see `check_prompts`).
    """
    table = read_table(path)
    check_prompts(table, path)
    return table


def check_prompts(table: pl.DataFrame, source: str | Path) -> None:
    """Raise an error that names the first offending prompt unless the table keeps the contract of docs/files.md.

    Prompt ids count up from 0 without gaps and have one text each; every span lies inside its text, holds exactly the
    value's digits, and touches no other digit.

    Parameters
    ----------
    table
        The table, with the columns `PROMPTS`.
    source
        Named in the message.

    Raises
    ------
    NumprobeError
        If anything of this does not hold.
    """
    if table.schema != PROMPTS:
        raise NumprobeError(f"{source} is not a prompt table: columns {dict(table.schema)}, expected {dict(PROMPTS)}")
    if table.is_empty():
        raise NumprobeError(f"{source} holds no prompts")
    for broken, problem in _RULES:
        offending = table.filter(table.select(broken.fill_null(False)).to_series())
        if not offending.is_empty():
            row = offending.row(0, named=True)
            raise NumprobeError(
                f"{source}: prompt {row['prompt']} ({_shortened(row['text'])}): {problem.format(**row)}"
            )


def _shortened(text: str | None, width: int = 60) -> str:
    return repr(text if text is None or len(text) <= width else text[: width - 3] + "...")


def _broken_rules() -> tuple[tuple[pl.Expr, str], ...]:
    """Pairs of (true where a row breaks the rule, message), in the order in which they are checked."""
    prompt, start, end = pl.col("prompt").cast(pl.Int64), pl.col("start"), pl.col("end")
    step = prompt.diff().fill_null(prompt + 1)
    digit = r"^\d$"
    before = pl.col("text").str.slice(start.cast(pl.Int64) - 1, 1)
    return (
        (pl.any_horizontal(pl.col(_REQUIRED).is_null()), f"one of the columns {', '.join(_REQUIRED)} is null"),
        (~step.is_in([0, 1]), "prompt ids must count up from 0 without gaps"),
        ((step == 0) & (pl.col("text") != pl.col("text").shift()), "one prompt has two texts"),
        ((step == 0) & (pl.col("text_split") != pl.col("text_split").shift()), "one prompt has two text splits"),
        (~pl.col("read_at").is_in(READ_AT), f"read_at is '{{read_at}}', expected one of {READ_AT}"),
        (~pl.col("text_split").is_in(TEXT_SPLITS), f"text_split is '{{text_split}}', expected one of {TEXT_SPLITS}"),
        ((start >= end) | (end > pl.col("text").str.len_chars()), "the span {start}..{end} is not inside the text"),
        (
            pl.col("text").str.slice(start, end - start) != pl.col("value").cast(pl.String),
            "the characters {start}..{end} are not its value {value}",
        ),
        (
            ((start > 0) & before.str.contains(digit)) | pl.col("text").str.slice(end, 1).str.contains(digit),
            "the value {value} at {start}..{end} touches another digit",
        ),
    )


_RULES = _broken_rules()
