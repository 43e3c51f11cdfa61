"""The section on single digits holds the numbers of the table."""

import polars as pl

from numprobe.tables import measurements
from numprobe.tell.accuracy import accuracy_sections
from numprobe.tell.digits import section
from numprobe.tell.section import Share


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
    (grid,) = accuracy_sections(table(), "fourier")[-1].grids
    assert grid.heads == ["model", "context", "reader", "units", "tens"]
    shares = {row[2]: [cell and round(cell.value, 2) for cell in row[3:]] for row in grid.rows}
    assert list(shares.items()) == [
        ("fourier", [0.9, 0.8]),
        ("untrained", [None, 0.7]),
        ("untrained-2", [None, 0.6]),
        ("constant", [None, 0.11]),
        ("last_token", [None, 0.12]),
    ]
    assert grid.rows[0][3] == Share(0.9, 0.89, 0.91)


def test_without_digits_there_is_no_section():
    assert section(table().filter(pl.col("metric") == "accuracy"), "fourier") is None
