"""The files that the jobs are given."""

from pathlib import Path

import pytest
import yaml
from study import load_study

from numprobe.experiments.declare import Place
from numprobe.experiments.error_tracing.experiment import EXPERIMENT

STUDY = Path(__file__).parents[2] / "workflow/study.yaml"


@pytest.mark.parametrize(("controls", "files"), [(["shuffled", "untrained"], 1), (["shuffled"], 0)])
def test_only_models_with_an_untrained_control_are_given_its_states(controls, files):
    config = yaml.safe_load(STUDY.read_text())
    config["models"][0]["controls"] = controls
    study = load_study(config)
    (trace,) = [job for job in EXPERIMENT.jobs if job.name == "trace_errors"]
    given = {name: trace.inputs[name](Place(study, "error_tracing", "llama", "result")) for name in trace.inputs}
    probes = ["results/probes/llama.untrained/result/fourier.safetensors"]
    assert given["untrained_probe"] == probes[:files]
    assert given["untrained_states"] == (study.states("llama.untrained", "result") if files else [])
