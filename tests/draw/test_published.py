"""The published numbers that figures draw beside ours."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from numprobe.codedigest import reached_files
from numprobe.draw.published import FILE, SCHEMA, published, read_published
from numprobe.errors import NumprobeError

ROOT = Path(__file__).parents[2]
PAPER = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
LAYERS = {entry["name"]: entry["n_layers"] for entry in PAPER["models"]}
HEADER = ",".join(SCHEMA)
ROW = "sites,phi-4,operand,3,wave,accuracy,0.5,55,somewhere"


def test_the_file_in_docs_is_the_one_that_is_read():
    assert (ROOT / "docs/published.csv").samefile(FILE)


def test_models_and_experiments_are_those_of_the_paper_study():
    table = read_published()
    assert set(table["model"]) <= set(LAYERS)
    assert set(table["experiment"]) <= {entry["name"] for entry in PAPER["experiments"]}


def test_layers_are_states_that_the_models_have():
    for model, layer in read_published().select("model", "layer").unique().iter_rows():
        states = {"embedding", "unembedding", "final_norm", "best", *map(str, range(LAYERS[model] + 1))}
        assert layer in states, f"{model} has no layer {layer}"


@pytest.mark.parametrize("experiment", ["layer_probes", "cross_layer", "universal_probe"])
def test_curves_over_the_layers_are_complete(experiment):
    curves = read_published().filter(pl.col("experiment") == experiment, pl.col("layer") != "best")
    assert not curves.is_empty()
    for (model, *name), rows in curves.group_by("model", "context", "probe", "metric", "source"):
        # The papers' last state is the one after the final norm.
        assert rows["layer"].to_list() == [*map(str, range(LAYERS[model])), "final_norm"], (model, name)


def test_one_experiment_and_the_models_that_are_drawn():
    rows = published("layer_probes", ["llama-3.2-1b", "mine"])
    assert set(rows["experiment"]) == {"layer_probes"}
    assert set(rows["model"]) == {"llama-3.2-1b"}
    assert published("layer_probes", ["mine"]).is_empty()
    assert rows.schema == published("rsa", ["mine"]).schema == SCHEMA


def test_a_known_number():
    rows = published("embedding_probes", ["olmo-2-32b"]).filter(metric="accuracy")
    assert rows["value"].to_list() == [0.056]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("experiment,model\nsites,phi-4\n", "columns"),
        (f"{HEADER}\n{ROW.replace('0.5', '50')}\n", "share"),
        (f"{HEADER}\n{ROW.replace('0.5', '')}\n", "filled"),
        (f"{HEADER}\n{ROW.replace('0.5', 'half')}\n", "not a table"),
        (f"{HEADER}\n{ROW}\n{ROW}\n", "twice"),
        (None, "not a table"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content, message):
    file = tmp_path / "published.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NumprobeError, match=message):
        read_published(file)


def test_a_corrected_number_draws_its_figures_again(tmp_path):
    program = tmp_path / "plot.py"
    program.write_text("from numprobe.draw.published import published\n")
    assert FILE in reached_files(program)
