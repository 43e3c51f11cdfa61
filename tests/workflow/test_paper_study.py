"""The paper's study: planned as it is shipped, and run on small random models of the same shapes."""

import os

import polars as pl
import pytest
import yaml
from study import load_study

from workflow.scaled import architecture, paper_study, scaled_study

# One model per architecture, and one of those of which the embeddings alone are read.
QUICK = ("llama-3.2-1b", "olmo-2-1b", "phi-4", "phi-4-mini")
# Without the deepest model, which takes part in few experiments.
ALL_EXPERIMENTS = ("llama-3.2-1b", "olmo-2-1b", "phi-4-mini")


def start(checkout, config, *targets):
    (checkout.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    checkout.snakemake(*targets)
    return checkout.folder / "results"


def measured(results, table):
    return pl.read_parquet(results / "tables" / f"{table}.parquet").filter(pl.col("value").is_not_null())


def states_of(entry):
    return {*map(str, range(entry["n_layers"] + 1)), "final_norm"}


def test_the_whole_study_is_planned_without_network_or_models_within_a_minute(checkout, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (checkout.folder / "tiny.yaml").write_text(yaml.safe_dump(paper_study()))
    before = os.times()
    result = checkout.snakemake("--dry-run", "paper_figures", "all")
    took = os.times()
    assert "results/figures" in result.stdout
    assert "operand: 113000 rows" in result.stderr
    # Time on the processor: how long it takes on the clock depends on what else runs.
    assert took.children_user - before.children_user + took.children_system - before.children_system < 60
    assert not (checkout.folder / "results").exists()


def test_every_model_that_is_embeddings_only_takes_part_where_embeddings_are_read():
    study = load_study(paper_study())
    only = [name for name, model in study.models.items() if model.embeddings_only]
    assert only == ["llama-3.1-70b", "olmo-2-32b", "phi-4-mini"]
    for experiment in ("rsa", "frequencies", "embedding_probes"):
        assert set(only) <= set(study.models_of(experiment, "vocabulary"))
    for experiment in ("layer_probes", "sites", "multi_token"):
        assert not set(only) & set(study.models_of(experiment))


def test_one_model_per_architecture_runs_end_to_end(checkout):
    config = scaled_study(checkout.folder / "models", QUICK, contexts=["operand"])
    config["controls"] = ["shuffled"]
    config["probes"] = [entry for entry in config["probes"] if entry["name"] in ("fourier", "linear")]
    config["experiments"] = [entry for entry in config["experiments"] if entry["name"] in ("accuracy", "spectra")]
    for entry in config["models"]:
        if entry.get("contexts") == ["vocabulary"]:
            entry["experiments"] = ["spectra"]
        else:
            entry |= {"contexts": ["operand"], "experiments": ["accuracy"]}
    results = start(checkout, config, "results/figures/accuracy.png", "results/figures/spectra.png")
    layers = measured(results, "accuracy").group_by("model").agg(pl.col("layer").unique()).rows()
    models = [entry for entry in paper_study()["models"] if entry["name"] in QUICK]
    assert {architecture(entry) for entry in models} == {"llama", "olmo2", "phi3"}
    for entry in models:
        if "contexts" not in entry:
            assert states_of(entry) == set(dict(layers)[entry["name"]])
    assert set(measured(results, "spectra")["model"]) == {"phi-4-mini"}
    # `activations: {keep: false}`: nothing is left of the states.
    assert not list((results / "activations").rglob("residual-*.parquet"))


@pytest.mark.slow
def test_all_experiments_run_end_to_end(checkout):
    models = [entry for entry in paper_study()["models"] if entry["name"] in ALL_EXPERIMENTS]
    config = scaled_study(checkout.folder / "models", ALL_EXPERIMENTS)
    results = start(checkout, config, "all", "paper_figures")
    accuracy = measured(results, "accuracy")
    assert set(accuracy["model"]) == {entry["name"] for entry in models if "contexts" not in entry}
    for entry in models:
        if "contexts" not in entry:
            found = accuracy.filter(pl.col("model") == entry["name"], pl.col("context") == "number")
            assert set(found["layer"].drop_nulls()) == states_of(entry)
    assert not list((results / "activations").rglob("residual-*.parquet"))
    for table in (results / "tables").glob("*.parquet"):
        assert pl.read_parquet(table).height > 0
    assert checkout.planned() == set()
