"""The programs that draw: table in, figures and the numbers drawn out."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from numprobe.tables import write_table

from . import fake_tables

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "summary": ("plot_summary", fake_tables.accuracy_table, []),
    "overview": ("plot_overview", fake_tables.accuracy_table, ["--candidates", "1000"]),
    "controls": ("plot_accuracy", fake_tables.accuracy_table, ["--what", "controls"]),
    "digit_accuracy": ("plot_digit_accuracy", fake_tables.digit_accuracy_table, []),
    "transfer": ("plot_transfer", fake_tables.transfer_table, []),
    "spectra": ("plot_spectra", fake_tables.spectra_table, []),
    "examples": ("plot_examples", fake_tables.examples_table, []),
}


def _draw(program: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / f"{program}.py"), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "TZ": "UTC+5"})


@pytest.mark.parametrize("figure", PROGRAMS)
def test_programs_write_the_figure_and_the_numbers_drawn(figure, tmp_path):
    program, table, options = PROGRAMS[figure]
    write_table(tmp_path / "table.parquet", table(), {})
    shared = ["--table", "table.parquet", *options, "--formats", "png", "--output"]
    found = _draw(program, tmp_path, *shared, f"deep/{figure}")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {f"{figure}.png", f"{figure}.csv"}
    drawn = pl.read_csv(tmp_path / "deep" / f"{figure}.csv", infer_schema=False)
    assert ("number" if figure == "examples" else "value") in drawn.columns


def test_two_processes_write_the_same_bytes_in_every_format(tmp_path):
    write_table(tmp_path / "table.parquet", fake_tables.accuracy_table(), {})
    for name in ("first", "second"):
        options = ["--table", "table.parquet", "--formats", "pdf", "png", "svg", "--output", name]
        assert _draw("plot_summary", tmp_path, *options).returncode == 0
    for ending in ("pdf", "png", "svg", "csv"):
        assert (tmp_path / f"first.{ending}").read_bytes() == (tmp_path / f"second.{ending}").read_bytes()


def test_a_table_that_cannot_be_drawn_is_one_clear_line(tmp_path):
    write_table(tmp_path / "table.parquet", pl.DataFrame({"a": [1]}), {})
    found = _draw("plot_accuracy", tmp_path, "--table", "table.parquet", "--output", "figure")
    assert found.returncode == 1
    assert found.stderr.startswith("error: the table lacks the columns") and found.stderr.count("\n") == 1
    assert not list(tmp_path.glob("figure*"))
