"""A new experiment is a folder and a line of a configuration; deleting one is deleting its folder."""

import re
import shutil

import polars as pl
import pytest
import yaml

from workflow.conftest import ROOT, Checkout

pytestmark = pytest.mark.slow

EXPERIMENTS = "src/numprobe/experiments"


@pytest.fixture
def extended(checkout) -> Checkout:
    """A checkout with one more experiment."""
    folder = checkout.folder / EXPERIMENTS / "spread"
    shutil.copytree(ROOT / "tests/experiments/spread", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__init__.py").touch()
    checkout.configure(experiments=[{"name": "spread"}])
    return checkout


def noted(checkout: Checkout) -> list[tuple]:
    table = pl.read_parquet(checkout.folder / "results/tables/spread.parquet")
    return list(table.filter(pl.col("status") != "measured").select("model", "context", "status", "note").iter_rows())


def test_a_folder_and_a_line_make_an_experiment(extended):
    assert {"measure_spread", "rank_spread", "plot_spread"} <= extended.planned("spread")
    extended.snakemake("spread", "results/representation_explorer.html")
    made = {path.name for path in (extended.folder / "results/figures").glob("spread.*")}
    assert made == {"spread.pdf", "spread.png", "spread.csv"}
    table = pl.read_parquet(extended.folder / "results/tables/spread.parquet")
    assert set(table.drop_nulls("value")["control"]) == {"none", "untrained"}
    assert noted(extended) == [("encoder", "result", "not applicable", "encoder")]
    assert "(`spread`)" in (extended.folder / "results/representation.md").read_text()
    page = (extended.folder / "results/representation_explorer.html").read_text()
    assert {'id="packed-spread"', 'id="packed-spread_ranks"'} <= set(re.findall(r'id="packed-\w+"', page))
    assert "How far do states lie apart?" in page
    told = extended.run("-m", "numprobe.cli", "explain", "spread")
    assert "contexts: ['result']" in told and "measure_spread" in told
    assert "### `spread` - distance of the states" in extended.run("workflow/document_config.py")
    # It moves to another context by configuration alone, and what was measured is kept.
    extended.configure(experiments=[{"name": "spread", "contexts": ["result", "operand"]}])
    assert {"measure_spread", "rank_spread"} <= extended.planned("spread")
    before = extended.results("tables/spread/small/result.parquet")
    extended.snakemake("spread")
    assert extended.results("tables/spread/small/result.parquet") == before
    contexts = pl.read_parquet(extended.folder / "results/tables/spread.parquet").drop_nulls("value")["context"]
    assert set(contexts) == {"result", "operand"}


def test_its_settings_and_needs_are_checked(extended):
    extended.configure(experiments=[{"name": "spread", "contexts": []}])
    refused = extended.snakemake("--dry-run", check=False)
    assert "experiments['spread'].contexts: is empty" in refused.stdout + refused.stderr
    extended.configure(experiments=[{"name": "spread", "contexts": ["letters"]}])
    refused = extended.snakemake("--dry-run", check=False)
    assert "experiments['spread'].contexts: 'letters' is not among" in refused.stdout + refused.stderr
    extended.configure(
        models=[{"name": "encoder", "source": "path", "path": "encoder"}],
        probes=[{"name": "fourier"}],
        experiments=[{"name": "spread"}],
    )
    refused = extended.snakemake("--dry-run", check=False)
    assert "'spread' needs one of its contexts" in refused.stdout + refused.stderr


def test_an_experiment_is_deleted_with_its_folder(checkout):
    shutil.rmtree(checkout.folder / EXPERIMENTS / "rsa")
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["experiments"] = [entry for entry in config["experiments"] if entry["name"] != "rsa"]
    (checkout.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    assert "plot_rsa" not in checkout.planned("all", "representation_figures", "manipulation_figures")
