from pathlib import Path

import pytest
import yaml
from study import load_study

from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Place
from numprobe.experiments.sample_efficiency.experiment import EXPERIMENT

ROOT = Path(__file__).parents[3]
NAME = "sample_efficiency"
(JOB,) = EXPERIMENT.jobs


def study_of(controls, **entry):
    """A study of llama and minilm in two contexts, with some controls."""
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["controls"] = ["shuffled", "untrained", "mixed"]
    config["models"][0]["controls"] = controls
    (found,) = [found for found in config["experiments"] if found["name"] == NAME]
    found |= entry
    return load_study(config)


@pytest.mark.parametrize(
    ("controls", "further"),
    [
        (["shuffled"], []),
        (["shuffled", "untrained"], ["llama.untrained"]),
        (["shuffled", "mixed"], ["llama.mixed"]),
        (["shuffled", "untrained", "mixed"], ["llama.untrained", "llama.mixed"]),
    ],
)
def test_a_model_has_one_job_per_context_for_itself_and_each_of_its_controls(controls, further):
    study = study_of(controls, models=["llama"], contexts=["number", "operand"])
    expected = [(run, context) for run in ["llama", *further] for context in ("number", "operand")]
    assert JOB.places(study, NAME) == expected


def test_the_mixed_embeddings_have_no_rows_of_the_vocabulary():
    study = study_of(["untrained", "mixed"], models=["llama"], contexts=["vocabulary"])
    assert JOB.places(study, NAME) == [("llama", "vocabulary"), ("llama.untrained", "vocabulary")]


def test_a_control_is_read_in_its_own_states_and_without_gradient_descent():
    study = study_of(["shuffled", "untrained", "mixed"], layer="2")
    layers, iterative = {}, {}
    for run in ("llama", "llama.untrained", "llama.mixed"):
        at = Place(study, NAME, run, "number")
        values = {name: value(at) for name, value in JOB.values.items()}
        layers[values["control"]], iterative[values["control"]] = values["layer"], values["iterative"]
        assert values["model"] == "llama"
    assert layers == {"none": "2", "untrained": "2", "mixed": "mixed"}
    assert iterative["none"] and not iterative["untrained"] and not iterative["mixed"]


def test_a_state_that_a_model_lacks_is_told_once():
    with pytest.raises(NumprobeError) as refusal:
        study_of(["shuffled", "untrained", "mixed"], models=["llama"], contexts=["number", "operand"], layer="9")
    assert str(refusal.value).count("has no state 9") == 1


def test_the_default_study_measures_the_model_of_several_tokens():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    (entry,) = [entry for entry in config["experiments"] if entry["name"] == NAME]
    (model,) = [model for model in config["models"] if model["name"] == "smollm2"]
    assert "smollm2" in entry["models"] and NAME in model["experiments"]
    assert {"untrained", "mixed"} <= set(model["controls"])
