"""Tables keep their rows, types and provenance; broken files are named."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from numprobe.errors import NumprobeError
from numprobe.tables import MEASUREMENT, measurements, read_metadata, read_table, write_table

TABLE = pl.DataFrame(
    {"value": [1, None, 3], "text": ["a", "5 €", None], "share": [0.5, float("inf"), None]},
    schema={"value": pl.Int32, "text": pl.String, "share": pl.Float64},
)


def test_round_trip(tmp_path):
    path = tmp_path / "table.parquet"
    write_table(path, TABLE, {"script": "program", "versions": {"numpy": "2"}})
    assert_frame_equal(read_table(path), TABLE)
    assert read_metadata(path) == {"script": "program", "versions": {"numpy": "2"}}


def test_same_table_same_bytes(tmp_path):
    for name in "ab":
        write_table(tmp_path / name, TABLE, {"code": "0"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_table_keeps_its_columns(tmp_path):
    write_table(tmp_path / "empty", TABLE.clear(), {})
    assert read_table(tmp_path / "empty").schema == TABLE.schema


@pytest.mark.parametrize("read", [read_table, read_metadata])
def test_a_parquet_file_of_others_is_refused(tmp_path, read):
    TABLE.write_parquet(tmp_path / "other.parquet")
    with pytest.raises(NumprobeError, match=r"other\.parquet is damaged \(it carries no checksum, or another program"):
        read(tmp_path / "other.parquet")


def test_any_parquet_reader_gets_the_table(tmp_path):
    write_table(tmp_path / "table.parquet", TABLE, {})
    assert_frame_equal(pl.read_parquet(tmp_path / "table.parquet"), TABLE)


@pytest.mark.parametrize("read", [read_table, read_metadata])
def test_missing_and_truncated_files(tmp_path, read):
    path = tmp_path / "table.parquet"
    with pytest.raises(NumprobeError, match=r"table\.parquet does not exist"):
        read(path)
    write_table(path, TABLE, {})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(NumprobeError, match=r"table\.parquet is damaged .*: delete it and run again"):
        read(path)


def test_a_table_without_a_needed_column_is_refused(tmp_path):
    write_table(tmp_path / "table.parquet", TABLE, {})
    assert_frame_equal(read_table(tmp_path / "table.parquet", ["text", "share"]), TABLE)
    with pytest.raises(NumprobeError) as refusal:
        read_table(tmp_path / "table.parquet", ["number", "text"])
    assert str(refusal.value) == (
        f"{tmp_path}/table.parquet lacks the columns number (it has value, text, share): delete it and run again"
    )


def test_measurements_fill_in_what_rows_leave_out():
    table = measurements([{"model": "llama", "metric": "accuracy", "value": 1}])
    assert table.schema == MEASUREMENT
    row = table.row(0, named=True)
    assert (row["control"], row["site"], row["subset"], row["value"]) == ("none", "residual", "all", 1.0)
    assert row["status"] == "measured"
    assert row["fold"] is row["note"] is row["ci_low"] is None


def test_measurements_with_further_columns():
    table = measurements([{"fit_context": "number"}], {"fit_context": pl.String})
    assert table.columns == [*MEASUREMENT, "fit_context"]
    assert table["fit_context"].to_list() == ["number"]


def test_measurements_of_no_rows_have_the_schema():
    assert measurements([]).schema == MEASUREMENT


def test_unknown_columns_are_refused():
    with pytest.raises(ValueError, match="accurracy"):
        measurements([{"accurracy": 1.0}])
