"""The section on single digits holds the numbers of the table."""

import polars as pl

from numprobe.tables import measurements
from numprobe.tell.accuracy import findings
from numprobe.tell.digits import section


def row(place, value, probe="fourier", **more):
    bounds = {"value": value, "ci_low": value - 0.01, "ci_high": value + 0.01}
    names = {"model": "m", "context": "number", "layer": "2", "metric": "digit_accuracy", "subset": f"place={place}"}
    return {**names, **bounds, "probe": probe, **more}


def table():
    rows = [row("units", 0.9), row("tens", 0.8), row("tens", 0.1, "linear"), row("tens", 0.77, control="shuffled")]
    rows += [row("tens", 0.7, control="untrained"), row("tens", 0.6, control="untrained-2")]
    rows += [row("tens", 0.12, "last_token", control="last_token"), row("tens", 0.11, "constant", control="constant")]
    rows += [row("tens", 0.5, layer="1"), row("tens", 0.4, layer="4"), row("tens", 0.3, layer="final_norm")]
    rows.sort(key=lambda one: one["probe"] != "constant")
    return measurements([*rows, {**row("units", 0.9), "metric": "accuracy", "subset": "all", "layer": "0"}])


def test_the_middle_block_shows_each_place_beside_its_rivals():
    lines = findings(table(), [], "fourier", "write_findings").splitlines()
    start = lines.index("| model | context | reader | units | tens |")
    assert lines[start + 2 :] == [
        "| m | number | fourier | 90 [89, 91] | 80 [79, 81] |",
        "| m | number | untrained |  | 70 [69, 71] |",
        "| m | number | untrained-2 |  | 60 [59, 61] |",
        "| m | number | constant |  | 11 [10, 12] |",
        "| m | number | last_token |  | 12 [11, 13] |",
    ]


def test_without_digits_there_is_no_section():
    assert section(table().filter(pl.col("metric") == "accuracy"), "fourier") == ""
