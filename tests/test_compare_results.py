"""Two results folders compared to the byte and value by value."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from compare_results import compare
from numprobe.tables import write_table

PROGRAM = Path(__file__).parent / "compare_results.py"
TABLE = {"model": ["a", "b", None], "value": [0.25, float("nan"), None]}


@pytest.fixture
def folders(tmp_path):
    """A results folder and a copy of it."""
    before = tmp_path / "before"
    write_table(before / "tables/accuracy.parquet", pl.DataFrame(TABLE), {"code": "1", "versions": {"numpy": "2"}})
    (before / "figures").mkdir()
    (before / "figures/accuracy.csv").write_text("model,value\na,0.25\nb,0.5\n")
    (before / "probes").mkdir()
    save_file({"weights": np.arange(6.0).reshape(2, 3)}, before / "probes/fourier.safetensors", {"code": "1"})
    shutil.copytree(before, tmp_path / "after")
    return before, tmp_path / "after"


def told(folders) -> list[tuple[str, str, str]]:
    return [(found.file, found.kind, found.detail) for found in compare(*folders)[1]]


def run(folders, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), *map(str, folders), *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_copy_is_the_same_and_logs_are_not_compared(folders):
    (folders[1] / "logs").mkdir()
    (folders[1] / "logs/note.md").write_text("x")
    assert compare(*folders) == (3, [])
    result = run(folders)
    assert (result.returncode, result.stdout) == (0, "3 files: 3 the same to the byte\n")


def test_one_value_of_a_table_is_found_with_its_row(folders):
    changed = {**TABLE, "value": [0.5, float("nan"), None]}
    write_table(folders[1] / "tables/accuracy.parquet", pl.DataFrame(changed), {"code": "1"})
    ((file, kind, detail),) = told(folders)
    assert (file, kind) == ("tables/accuracy.parquet", "values")
    assert "column value: 1 of 3 rows (row 0: 0.25 is now 0.5, largest difference 0.25)" in detail
    assert run(folders, "--values").returncode == 1


@pytest.mark.parametrize("values", [[0.25, None, None], [0.25, float("nan"), 0.0]])
def test_a_null_is_neither_nan_nor_zero(folders, values):
    write_table(folders[1] / "tables/accuracy.parquet", pl.DataFrame({**TABLE, "value": values}), {"code": "1"})
    assert [kind for _, kind, _ in told(folders)] == ["values"]


def test_the_sign_of_a_zero_is_a_difference(folders):
    for folder, zero in zip(folders, (0.0, -0.0), strict=True):
        write_table(folder / "tables/zero.parquet", pl.DataFrame({"value": [zero]}), {})
    assert [kind for _, kind, _ in told(folders)] == ["values"]


def test_a_tensor_that_moved_is_told_with_its_largest_difference(folders):
    path = folders[1] / "probes/fourier.safetensors"
    save_file({"weights": load_file(path)["weights"] + 0.5}, path, {"code": "1"})
    ((_, kind, detail),) = told(folders)
    assert (kind, detail) == ("values", "tensor weights: 6 of 6 values, largest difference 0.5")


def test_the_record_of_making_may_differ_if_asked(folders):
    table = pl.DataFrame(TABLE)
    write_table(folders[1] / "tables/accuracy.parquet", table, {"code": "2", "versions": {"numpy": "2"}})
    path = folders[1] / "probes/fourier.safetensors"
    save_file(load_file(path), path, {"code": "2"})
    assert [(kind, detail) for _, kind, detail in told(folders)] == [
        ("record", "the same values, another code"),
        ("record", "the same values, another numprobe.code"),
    ]
    assert run(folders).returncode == 1
    assert run(folders, "--values").returncode == 0


def test_cells_and_missing_files_are_named(folders):
    (folders[1] / "figures/accuracy.csv").write_text("model,value\na,0.25\nb,0.75\n")
    (folders[1] / "probes/fourier.safetensors").rename(folders[1] / "probes/digits.safetensors")
    assert [(file, kind) for file, kind, _ in told(folders)] == [
        ("figures/accuracy.csv", "values"),
        ("probes/digits.safetensors", "new"),
        ("probes/fourier.safetensors", "missing"),
    ]
    assert "1 cells (column value, line 3: 0.5 is now 0.75)" in told(folders)[0][2]


def test_columns_that_are_left_out_may_differ_and_come(folders):
    more = {**TABLE, "note": ["x", None, None]}
    write_table(folders[1] / "tables/accuracy.parquet", pl.DataFrame(more), {"code": "1", "versions": {"numpy": "2"}})
    (folders[1] / "figures/accuracy.csv").write_text("model,note,value\na,x,0.25\nb,,0.5\n")
    assert [kind for _, kind, _ in told(folders)] == ["values", "values"]
    assert run(folders, "--values", "--without", "note", "status").returncode == 0
    (folders[1] / "figures/accuracy.csv").write_text("model,note,value\na,x,0.25\nb,,0.50\n")
    assert "1 cells (column value" in run(folders, "--values", "--without", "note", "status").stdout


def test_nothing_to_compare_is_an_error(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run((empty, empty)).returncode == 1
    assert "is not a folder" in run((empty, tmp_path / "none")).stderr


def test_renamed_columns_are_compared_by_their_values(folders):
    frame = pl.DataFrame({"model": ["a", "b", None], "number": [0.25, float("nan"), None]})
    write_table(folders[1] / "tables/accuracy.parquet", frame, {"code": "1"})
    (folders[1] / "figures/accuracy.csv").write_text("number,model\n0.25,a\n0.5,b\n")
    assert {found.kind for found in compare(*folders)[1]} == {"values"}
    assert {found.kind for found in compare(*folders, renamed=[["value", "number"]])[1]} <= {"record"}
    write_table(folders[1] / "tables/accuracy.parquet", frame.with_columns(number=pl.lit(0.5)), {"code": "1"})
    (found,) = [one for one in compare(*folders, renamed=[["value", "number"]])[1] if one.kind == "values"]
    assert "column value" in found.detail
