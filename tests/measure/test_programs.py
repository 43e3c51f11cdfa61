"""The programs of this stage, run as the rules run them."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from numprobe.prompts.generate import number_prompts
from numprobe.prompts.table import write_prompts
from numprobe.sealed import write_sealed_json
from numprobe.tables import read_metadata, read_table

from .fakes import make_probe, write_folder

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(program, *arguments):
    command = [sys.executable, str(SCRIPTS / f"{program}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def succeed(program, *arguments):
    done = run(program, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr


@pytest.fixture
def study(tmp_path):
    write_folder(tmp_path / "states", range(100))
    make_probe().save(tmp_path / "linear.safetensors")
    make_probe(control="shuffled").save(tmp_path / "linear.shuffled.safetensors")
    card = {"weights_sha256": "0", "single_token_numbers": {"contiguous_from_minimum": [0, 99]}}
    write_sealed_json(tmp_path / "card.json", card)
    write_prompts(tmp_path / "prompts.parquet", number_prompts(0, 99), {})
    return tmp_path


def evaluate(study, *more):
    probes = [study / "linear.safetensors", study / "linear.shuffled.safetensors"]
    succeed(
        "evaluate_probes", "--activations", study / "states", "--probes", *probes, "--card", study / "card.json",
        "--model", "fake", "--resamples", 50, "--predictions", study / "predictions.parquet",
        "--output", study / "accuracy.parquet", *more,
    )  # fmt: skip


def test_from_states_to_collected_tables(study):
    evaluate(study)
    succeed(
        "collect_tables", "--tables", study / "accuracy.parquet", "--not-applicable", "other:result:encoder",
        "--output", study / "all.parquet",
    )  # fmt: skip
    table = read_table(study / "all.parquet")
    plain = table.filter((pl.col("metric") == "accuracy") & (pl.col("control") == "none") & pl.col("fold").is_null())
    assert plain.select("model", "context", "layer", "value").rows() == [
        ("fake", "number", "0", 1.0),
        ("fake", "number", "1", 1.0),
        ("other", "result", None, None),
    ]
    assert (study / "all.csv").read_text().count("\n") == table.height + 1
    record = read_metadata(study / "all.parquet")["inputs"][str(study / "accuracy.parquet")]
    assert (record["script"], record["model"], record["context"]) == ("evaluate_probes", "fake", "number")


def test_same_inputs_same_bytes(study):
    evaluate(study)
    first = [(study / name).read_bytes() for name in ("accuracy.parquet", "predictions.parquet")]
    evaluate(study)
    assert [(study / name).read_bytes() for name in ("accuracy.parquet", "predictions.parquet")] == first


def test_examples_of_a_run(study):
    evaluate(study)
    succeed(
        "sample_examples", "--predictions", study / "predictions.parquet", "--prompts", study / "prompts.parquet",
        "--per-group", 5, "--output", study / "examples.parquet",
    )  # fmt: skip
    table = read_table(study / "examples.parquet")
    assert table.columns[:4] == ["model", "context", "layer", "probe"]
    assert (table["text"] == table["decoded"].cast(pl.String)).all()
    assert table.height == 10


def test_transfer_of_a_model(study):
    write_folder(study / "other", range(100), error=1, context="other")
    make_probe(context="other").save(study / "other.safetensors")
    succeed(
        "evaluate_transfer", "--model", "fake", "--contexts", "number", "other", "--activations", study / "states",
        study / "other", "--probes", study / "linear.safetensors", study / "other.safetensors", "--resamples", 50,
        "--output", study / "transfer.parquet",
    )  # fmt: skip
    table = read_table(study / "transfer.parquet").filter((pl.col("metric") == "accuracy") & (pl.col("layer") == "0"))
    assert table.select("fit_context", "context").rows() == [
        ("number", "number"), ("number", "other"), ("other", "number"), ("other", "other"),
    ]  # fmt: skip


def test_transfer_of_a_control_is_marked_and_stands_in_the_layers_of_its_model(study):
    succeed(
        "evaluate_transfer", "--model", "m", "--control", "mixed", "--layers", "4", "9", "--contexts", "number",
        "--activations", study / "states", "--probes", study / "linear.safetensors", "--resamples", 50,
        "--output", study / "transfer.parquet",
    )  # fmt: skip
    table = read_table(study / "transfer.parquet").filter(pl.col("metric") == "accuracy")
    assert set(table.select("model", "control", "layer").rows()) == {("m", "mixed", "4"), ("m", "mixed", "9")}
    assert read_metadata(study / "transfer.parquet")["control"] == "mixed"
    wrong = run("evaluate_transfer", "--control", "random")
    assert "argument --control: invalid choice: 'random'" in wrong.stderr


def test_spectra_of_a_model(study):
    succeed(
        "evaluate_spectra", "--model", "fake", "--activations", study / "states", "--card", study / "card.json",
        "--output", study / "spectra.parquet",
    )  # fmt: skip
    table = read_table(study / "spectra.parquet")
    assert table.columns[-3:] == ["frequency", "period", "N"]
    # A straight line has most of its power at the lowest frequency: 6 / pi^2.
    first = table.filter((pl.col("frequency") == 1) & (pl.col("control") == "none") & (pl.col("layer") == "0"))
    assert first["value"][0] == pytest.approx(6 / 3.141592653589793**2, abs=0.01)


def test_mistakes_are_answered_with_one_line(study):
    done = run(
        "evaluate_transfer", "--model", "fake", "--contexts", "number", "other", "--activations", study / "states",
        "--probes", study / "linear.safetensors", "--output", study / "transfer.parquet",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: --contexts, --activations and --probes must name equally many, in the same order\n"


def test_no_program_of_this_stage_loads_torch():
    programs = ["evaluate_probes", "evaluate_transfer", "evaluate_spectra", "collect_tables", "sample_examples"]
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\nimport {', '.join(programs)}\n"
    done = subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], capture_output=True)
    assert done.returncode == 0, done.stderr
