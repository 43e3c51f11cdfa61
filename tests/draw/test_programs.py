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
#: Figure -> module, name and rows of its table.
FIGURES = {
    "summary": ("summary", "accuracy", fake_tables.accuracy_table),
    "overview": ("overview", "accuracy", fake_tables.accuracy_table),
    "controls": ("accuracy", "accuracy", fake_tables.accuracy_table),
    "digit_accuracy": ("digit_accuracy", "accuracy", fake_tables.digit_accuracy_table),
    "transfer": ("transfer", "transfer", fake_tables.transfer_table),
    "spectra": ("spectra", "spectra", fake_tables.spectra_table),
    "examples": ("examples", "examples", fake_tables.examples_table),
    "not_applicable": ("not_applicable", "spectra", fake_tables.spectra_table),
}


def _draw(figure: str, folder: Path, table: str, output: str, *formats: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/plot.py"), f"draw.{FIGURES[figure][0]}", "--figure", figure]
    command += ["--values", '{"candidates": 1000}', "--table", table, "--output", output, "--formats", *formats]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "TZ": "UTC+5"})


@pytest.mark.parametrize("figure", FIGURES)
def test_programs_write_the_figure_and_the_numbers_drawn(figure, tmp_path):
    _, name, table = FIGURES[figure]
    write_table(tmp_path / f"{name}.parquet", table(), {})
    found = _draw(figure, tmp_path, f"{name}.parquet", f"deep/{figure}", "png")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {f"{figure}.png", f"{figure}.csv"}
    drawn = pl.read_csv(tmp_path / "deep" / f"{figure}.csv", infer_schema=False)
    assert {"examples": "number", "not_applicable": "note"}.get(figure, "value") in drawn.columns


def test_two_processes_write_the_same_bytes_in_every_format(tmp_path):
    write_table(tmp_path / "accuracy.parquet", fake_tables.accuracy_table(), {})
    for name in ("first", "second"):
        assert _draw("summary", tmp_path, "accuracy.parquet", name, "pdf", "png", "svg").returncode == 0
    for ending in ("pdf", "png", "svg", "csv"):
        assert (tmp_path / f"first.{ending}").read_bytes() == (tmp_path / f"second.{ending}").read_bytes()


def test_a_table_that_cannot_be_drawn_is_one_clear_line(tmp_path):
    write_table(tmp_path / "accuracy.parquet", pl.DataFrame({"a": [1]}), {})
    found = _draw("controls", tmp_path, "accuracy.parquet", "figure", "png")
    assert found.returncode == 1
    assert found.stderr.startswith("error: the table lacks the columns") and found.stderr.count("\n") == 1
    assert not list(tmp_path.glob("figure*"))
