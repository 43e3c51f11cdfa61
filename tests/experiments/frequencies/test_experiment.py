"""Files that the jobs are given."""

from pathlib import Path

import yaml
from study import load_study

from numprobe.experiments.declare import Place
from numprobe.experiments.frequencies.experiment import EXPERIMENT

STUDY = Path(__file__).parents[2] / "workflow/study.yaml"


def test_other_words_do_not_depend_on_other_experiments():
    config = yaml.safe_load(STUDY.read_text())
    names = [entry["name"] for entry in config["experiments"] if entry["name"] != "embedding_probes"]
    config["models"][0]["experiments"] = names
    given = EXPERIMENT.jobs[0].inputs
    at = Place(load_study(config), "frequencies", "llama")
    assert given["matched"](at)[-1] == "results/matched/llama/manifest.json"
    assert given["tokens"](at) == ["results/matched/tokens.parquet"]
