"""Files that experiments are given."""

from pathlib import Path

import yaml
from study import load_study

from numprobe.experiments.inputs import pattern_probe

STUDY = Path(__file__).parents[1] / "workflow/study.yaml"


def test_patterns_are_fitted_on_a_universal_probe_that_there_is():
    config = yaml.safe_load(STUDY.read_text())
    config["models"][0]["experiments"] = [entry["name"] for entry in config["experiments"]]
    assert pattern_probe(load_study(config), "llama", "operand") == "results/probes/llama/universal/fourier.safetensors"
    config["models"][0]["experiments"].remove("universal_probe")
    assert pattern_probe(load_study(config), "llama", "operand") == "results/probes/llama/operand/fourier.safetensors"
