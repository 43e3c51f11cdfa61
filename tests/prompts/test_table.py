"""The prompt table: what is refused, and with which message."""

from pathlib import Path

import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.prompts.table import PROMPTS, prompt_table, prompt_texts, read_prompts, write_prompts
from numprobe.tables import read_metadata, write_table

TEXT = "€5 for 12 eggs and 340 ml"
SHARED = {"text": TEXT, "read_at": "token", "template": "t", "domain": "d", "text_split": "train"}


def table() -> pl.DataFrame:
    return prompt_table(
        [
            {"prompt": 0, "number": 5, "start": 1, "end": 2, **SHARED},
            {"prompt": 0, "number": 12, "start": 7, "end": 9, **SHARED},
            {"prompt": 1, "number": 340, "start": 19, "end": 22, **SHARED},
        ]
    )


def changed(row: int, **values: object) -> pl.DataFrame:
    rows = table().to_dicts()
    rows[row] |= values
    return pl.DataFrame(rows, schema=PROMPTS)


def test_a_written_table_is_read_back(tmp_path: Path) -> None:
    write_prompts(tmp_path / "p.parquet", table(), {"seed": 3})
    assert read_prompts(tmp_path / "p.parquet").equals(table())
    assert read_metadata(tmp_path / "p.parquet") == {"seed": 3}


def test_a_text_is_stored_once() -> None:
    assert table()["text"].to_list() == [TEXT, None, TEXT]
    assert prompt_texts(table()).rows() == [(0, TEXT), (1, TEXT)]


def test_rows_of_one_prompt_name_one_text() -> None:
    row = {"prompt": 0, "number": 5, "start": 1, "end": 2, **SHARED}
    with pytest.raises(NumprobeError, match=r"prompt 0 \('€5 for 12 eggs and 340 ml'\): one prompt has two texts"):
        prompt_table([row, row | {"text": "€5"}])


def test_columns_that_a_row_leaves_out_are_null() -> None:
    assert table().select("operation", "a", "b").null_count().row(0) == (3, 3, 3)


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (2, "number", 34, r"prompt 1 \('€5 for 12 eggs and 340 ml'\): the characters 19..22 are not its number 34"),
        (1, "start", 6, "prompt 0 .* the characters 6..9 are not its number 12"),
        (2, "end", 40, "prompt 1 .* the span 19..40 is not inside the text"),
        (0, "start", 2, "prompt 0 .* the span 2..2 is not inside the text"),
        (2, "prompt", 2, "prompt 2 .* prompt ids must count up from 0 without gaps"),
        (0, "prompt", 1, "prompt 1 .* prompt ids must count up from 0 without gaps"),
        (1, "text", TEXT, r"prompt 0 \('€5 for 12 eggs and 340 ml'\): only the first row of a prompt has its text"),
        (1, "text_split", "test", "prompt 0 .* one prompt has two text splits"),
        (0, "read_at", "after", "prompt 0 .* read_at is 'after', expected one of"),
        (2, "text_split", "dev", "prompt 1 .* text_split is 'dev', expected one of"),
        (2, "number", None, "prompt 1 .* one of the columns .* is null"),
        (2, "text", None, r"prompt 1 \(None\): the first row of a prompt has no text"),
    ],
)
def test_a_broken_row_is_refused_by_its_prompt(
    tmp_path: Path, row: int, column: str, value: object, message: str
) -> None:
    with pytest.raises(NumprobeError, match=message):
        write_prompts(tmp_path / "p.parquet", changed(row, **{column: value}), {})
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize(("start", "end", "number"), [(19, 21, 34), (20, 22, 40)])
def test_a_span_that_cuts_a_digit_run_is_refused(tmp_path: Path, start: int, end: int, number: int) -> None:
    with pytest.raises(NumprobeError, match=f"the number {number} at {start}..{end} touches another digit"):
        write_prompts(tmp_path / "p.parquet", changed(2, start=start, end=end, number=number), {})


def test_a_damaged_table_is_refused_on_reading(tmp_path: Path) -> None:
    write_table(tmp_path / "p.parquet", changed(0, number=6), {})
    with pytest.raises(NumprobeError, match=r"p.parquet: prompt 0 .* are not its number 6"):
        read_prompts(tmp_path / "p.parquet")


def test_other_tables_and_empty_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NumprobeError, match="is not a prompt table: columns"):
        write_prompts(tmp_path / "p.parquet", table().drop("domain"), {})
    write_table(tmp_path / "p.parquet", table().rename({"number": "value"}), {})
    with pytest.raises(
        NumprobeError, match=r"p.parquet lacks the columns number \(it has .*\): delete it and run again"
    ):
        read_prompts(tmp_path / "p.parquet")
    with pytest.raises(NumprobeError, match="holds no prompts"):
        write_prompts(tmp_path / "p.parquet", table().clear(), {})
