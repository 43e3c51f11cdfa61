"""The last lines of a run."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from numprobe.cli import main
from numprobe.errors import NumprobeError
from numprobe.tables import write_table
from numprobe.tell.closing import closing_lines

ROWS = [
    ("number", "4", "none", 1.0),
    ("natural", "0", "none", 0.4),
    ("natural", "4", "none", 0.9),
    ("natural", "4", "shuffled", 0.002),
    ("natural", "2", "untrained", 0.09),
    ("natural", "4", "untrained", 0.05),
    ("natural", "mixed", "mixed", 0.95),
]


@pytest.fixture
def results(tmp_path) -> Path:
    folder = tmp_path / "results"
    rows = [
        {"model": "small", "context": context, "layer": layer, "control": control, "value": value}
        | {"probe": "fourier", "metric": "accuracy", "subset": "all", "fold": None, "ci_low": 0.88, "ci_high": 0.92}
        for context, layer, control, value in ROWS
    ]
    write_table(folder / "tables/accuracy.parquet", pl.DataFrame(rows, schema_overrides={"fold": pl.Int64}), {})
    write_configuration(folder, {"name": "small", "source": "train"})
    return folder


def write_configuration(folder: Path, model: dict[str, str]) -> None:
    content = {"models": [model], "numbers": {"min": 0, "max": 199}}
    (folder / "configuration.yaml").write_text(yaml.safe_dump(content))


def test_the_main_reading_stands_beside_its_controls(results):
    assert closing_lines(results)[0] == (
        "small: the probe fourier reads 90 % of unseen numbers in `natural` (layer 4; 95 % interval 88 to 92). "
        "Controls: mixed embeddings without a network 95 %, shuffled numbers 0.2 %, untrained network 9 %, "
        "chance 0.5 %."
    )


def test_the_layer_is_the_one_that_inner_values_chose_where_there_is_one(results):
    row = {"model": "small", "context": "natural", "fit_context": "natural", "layer": "2", "control": "none"}
    row |= {"probe": "fourier", "metric": "accuracy", "subset": "all", "fold": None, "value": 0.89}
    table = pl.DataFrame([row | {"ci_low": 0.87, "ci_high": 0.9}], schema_overrides={"fold": pl.Int64})
    write_table(results / "tables/chosen_layers.parquet", table, {})
    assert "reads 89 % of unseen numbers in `natural` (layer 2; " in closing_lines(results)[0]


def test_only_pages_that_exist_are_named(results):
    assert closing_lines(results)[1] == f"Open: tables {results}/tables."
    (results / "report.html").touch()
    (results / "explorer.html").touch()
    named = f"report {results}/report.html, explorer {results}/explorer.html, tables {results}/tables"
    assert closing_lines(results)[1] == f"Open: {named}."


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ({"name": "small", "source": "train"}, "{}/models/small"),
        ({"name": "small", "source": "gguf", "path": "a.gguf"}, "{}/models/small"),
        ({"name": "small", "source": "path", "path": "my models/a"}, "'my models/a'"),
        ({"name": "small", "source": "hub", "id": "org/a"}, "org/a"),
    ],
)
def test_the_next_command_shows_a_text_through_the_probe(results, model, named):
    write_configuration(results, model)
    command = f"numprobe lens {named.format(results)} {results}/probes/small/natural/fourier.safetensors"
    assert closing_lines(results)[2].startswith(f"Next: {command} 'A pack of ")


def test_without_a_finished_study_it_says_how_to_run_one(tmp_path, results, capsys):
    with pytest.raises(NumprobeError, match="holds no finished study"):
        closing_lines(tmp_path / "other")
    assert main(["summary", str(results)]) == 0
    assert capsys.readouterr().out.count("\n") == 3
