"""Tables joined in order, with what does not apply said aloud."""

import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.measure.collect import collect, write_csv
from numprobe.tables import measurements

ONE = measurements([{"model": "b", "context": "number", "metric": "accuracy", "value": 1.0}])
TWO = measurements([{"model": "a", "context": "number", "metric": "accuracy", "value": 0.5}])


def test_the_order_is_the_given_one():
    assert collect([ONE, TWO], [])["model"].to_list() == ["b", "a"]
    assert collect([TWO, ONE], [])["model"].to_list() == ["a", "b"]


def test_what_does_not_apply_is_a_row_without_a_value():
    table = collect([ONE], ["minilm:result:encoder", "x:y:reason: with colons"])
    assert table.schema == ONE.schema
    assert table.tail(2).select("model", "context", "metric", "value", "status", "note").rows() == [
        ("minilm", "result", "accuracy", None, "not applicable", "encoder"),
        ("x", "y", "accuracy", None, "not applicable", "reason: with colons"),
    ]


def test_further_columns_are_kept():
    transfer = measurements([{"model": "a", "fit_context": "number"}], {"fit_context": pl.String})
    table = collect([transfer], ["minilm:result:encoder"])
    assert table["fit_context"].to_list() == ["number", None]


@pytest.mark.parametrize("text", ["minilm", "minilm:result", "minilm::encoder", ":result:encoder"])
def test_malformed_pairs_are_refused(text):
    with pytest.raises(NumprobeError, match="is not of the form MODEL:CONTEXT:REASON"):
        collect([ONE], [text])


def test_tables_of_different_kinds_are_refused():
    with pytest.raises(NumprobeError, match=r"different kinds, they differ in .*fit_context"):
        collect([ONE, ONE.with_columns(pl.lit("number").alias("fit_context"))], [])


def test_other_tables_with_a_status_say_what_does_not_apply_too():
    examples = pl.DataFrame(
        {"model": ["a"], "context": ["number"], "status": ["measured"], "note": pl.Series([None], dtype=pl.String)}
    )
    assert collect([examples], ["minilm:result:encoder"]).rows()[-1] == (
        "minilm",
        "result",
        "not applicable",
        "encoder",
    )


def test_where_nothing_is_measured_the_rows_say_why():
    table = collect([], ["digits:vocabulary:its numbers are several tokens"])
    assert table.schema == ONE.schema
    assert table.select("model", "context", "value", "status", "note").rows() == [
        ("digits", "vocabulary", None, "not applicable", "its numbers are several tokens")
    ]


def test_neither_tables_nor_reasons_are_an_error():
    with pytest.raises(NumprobeError, match="there is nothing to join"):
        collect([], [])


def test_tables_without_a_status_are_joined_but_say_nothing_of_what_does_not_apply():
    examples = pl.DataFrame({"model": ["a"], "text": ["5 eggs"]})
    assert collect([examples, examples], []).height == 2
    with pytest.raises(NumprobeError, match="only tables with a column 'status'"):
        collect([examples], ["minilm:result:encoder"])


def test_csv_round_trip(tmp_path):
    write_csv(tmp_path / "new" / "table.csv", collect([ONE], ["minilm:result:encoder"]))
    found = pl.read_csv(tmp_path / "new" / "table.csv", schema=ONE.schema)
    assert found.equals(collect([ONE], ["minilm:result:encoder"]))
