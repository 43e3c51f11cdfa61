"""The prompt table: one row per number in a text, checked whenever it is written or read.

Only the first row of a prompt holds its text: a text of 60,000 numbers is stored once, not 60,000 times.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.tables import read_table, write_table

#: One row per number in a text (docs/files.md). `text` is null except in the first row of a prompt.
PROMPTS = pl.Schema(
    {
        "prompt": pl.UInt32,
        "text": pl.String,
        "number": pl.Int32,
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

_REQUIRED = ("prompt", "number", "start", "end", "read_at", "template", "text_split")


def prompt_table(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return a prompt table from rows, in which `operation`, `a`, `b` and `domain` may be left out (null).

    All rows of a prompt follow one another and name its text.

    Raises
    ------
    NumprobeError
        If they name different texts.
    """
    columns: dict[str, list[Any]] = {name: [] for name in PROMPTS}
    prompt = text = None
    for row in rows:
        for name, column in columns.items():
            column.append(row.get(name))
        if row["prompt"] != prompt:
            prompt, text = row["prompt"], row["text"]
        elif row["text"] != text:
            raise NumprobeError(f"prompt {prompt} ({_shortened(text)}): one prompt has two texts")
        else:
            columns["text"][-1] = None
    return pl.DataFrame(columns, schema=PROMPTS)


def prompt_texts(prompts: pl.DataFrame) -> pl.DataFrame:
    """Return `prompt` and `text` of a prompt table, one row per prompt."""
    texts = prompts.select("prompt", "text").filter(pl.col("text").is_not_null())
    return texts.unique("prompt", keep="first", maintain_order=True)


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
    table = read_table(path, PROMPTS)
    check_prompts(table, path)
    return table


def check_prompts(table: pl.DataFrame, source: str | Path) -> None:
    """Check a prompt table against docs/files.md; the error names the first offending prompt.

    Prompt ids count up from 0 without gaps, and the first row of each has its text; every span lies inside its text,
    holds exactly the number's digits, and touches no other digit.

    Parameters
    ----------
    table
        The table, with the columns `PROMPTS`.
    source
        Named in the message.

    Raises
    ------
    NumprobeError
        If the table violates any of this.
    """
    if table.schema != PROMPTS:
        raise NumprobeError(f"{source} is not a prompt table: columns {dict(table.schema)}, expected {dict(PROMPTS)}")
    if table.is_empty():
        raise NumprobeError(f"{source} holds no prompts")
    for broken, problem in _RULES:
        offending = table.select(broken.fill_null(False)).to_series().arg_true()
        if len(offending):
            _refuse(source, table, offending[0], problem)
    _check_spans(table, source)


def _check_spans(table: pl.DataFrame, source: str | Path) -> None:
    """Refuse spans that do not hold their number; in Python, which slices a long text as fast as a short one."""
    text = ""
    for row, (given, number, *span) in enumerate(table.select("text", "number", "start", "end").iter_rows()):
        text = text if given is None else given
        problem = _span_problem(text, number, *span)
        if problem is not None:
            _refuse(source, table, row, problem)


def _span_problem(text: str, number: int, start: int, end: int) -> str | None:
    if not start < end <= len(text):
        return "the span {start}..{end} is not inside the text"
    if text[start:end] != str(number):
        return "the characters {start}..{end} are not its number {number}"
    if text[max(start - 1, 0) : start].isdecimal() or text[end : end + 1].isdecimal():
        return "the number {number} at {start}..{end} touches another digit"
    return None


def _refuse(source: str | Path, table: pl.DataFrame, row: int, problem: str) -> NoReturn:
    named = table.row(row, named=True)
    text = dict(prompt_texts(table).iter_rows()).get(named["prompt"])
    raise NumprobeError(f"{source}: prompt {named['prompt']} ({_shortened(text)}): {problem.format(**named)}")


def _shortened(text: str | None, width: int = 60) -> str:
    return repr(text if text is None or len(text) <= width else text[: width - 3] + "...")


def _broken_rules() -> tuple[tuple[pl.Expr, str], ...]:
    """Return pairs of (true where a row breaks the rule, message), in the order of the checks."""
    prompt = pl.col("prompt").cast(pl.Int64)
    step = prompt.diff().fill_null(prompt + 1)
    return (
        (pl.any_horizontal(pl.col(_REQUIRED).is_null()), f"one of the columns {', '.join(_REQUIRED)} is null"),
        (~step.is_in([0, 1]), "prompt ids must count up from 0 without gaps"),
        ((step == 1) & pl.col("text").is_null(), "the first row of a prompt has no text"),
        ((step == 0) & pl.col("text").is_not_null(), "only the first row of a prompt has its text"),
        ((step == 0) & (pl.col("text_split") != pl.col("text_split").shift()), "one prompt has two text splits"),
        (~pl.col("read_at").is_in(READ_AT), f"read_at is '{{read_at}}', expected one of {READ_AT}"),
        (~pl.col("text_split").is_in(TEXT_SPLITS), f"text_split is '{{text_split}}', expected one of {TEXT_SPLITS}"),
    )


_RULES = _broken_rules()
