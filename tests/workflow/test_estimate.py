"""The size that is told before a study runs."""

from pathlib import Path

import pytest
import yaml
from estimate import describe_states, experiment_bytes, readable, state_bytes, state_rows
from study import load_study

ROOT = Path(__file__).parents[2]


def study_of(folder, name, **changed):
    return load_study(yaml.safe_load((ROOT / folder / name).read_text()) | changed)


def test_rows_times_states_times_width_times_bytes():
    study = study_of("tests/workflow", "study.yaml")
    # 1000 numbers, 8 prompts each; layers 0 to 4 and final_norm; 128 components of 4 bytes.
    assert state_rows(study, "llama", "operand") == 8000
    assert state_bytes(study, "llama", "operand") == 8000 * 6 * 128 * 4
    assert state_bytes(study, "llama.untrained", "operand") == state_bytes(study, "llama", "operand")
    assert state_bytes(study, "olmo2", "vocabulary") == 1000 * 2 * 128 * 4
    assert state_rows(study, "llama", "result") == 1000 * 2 * 4
    assert study.models["minilm"].width == 384


def test_sites_take_five_widths_per_block_at_the_most():
    study = study_of("tests/workflow", "study.yaml")
    small = 8000 * 4 * 5 * 128 * 4  # rows, blocks, sites, components, bytes
    # Three models and their untrained controls, a checkpoint without one, and the encoder of six blocks twice.
    assert experiment_bytes(study) == 7 * small + 2 * 8000 * 6 * 5 * 384 * 4
    assert "of experiments" in describe_states(study)
    without = study_of("tests/workflow", "study.yaml", experiments=[{"name": "accuracy"}])
    assert experiment_bytes(without) == 0
    assert "of experiments" not in describe_states(without)


def test_a_small_study_is_told_in_one_line():
    assert describe_states(study_of("tests/workflow", "study.yaml")).count("\n") == 0


def test_the_paper_study_is_told_by_context_and_model():
    study = study_of("config", "paper.yaml")
    text = describe_states(study)
    assert "removed once they are used" in text
    for name in [*study.contexts, *study.models]:
        assert name in text
    # What the models as they are write for `a + b`, without their untrained controls.
    size = sum(state_bytes(study, name, "operand") for name in study.models_of(None, "operand"))
    assert 180e9 < size < 230e9


def test_models_of_unknown_width_are_named():
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    del config["models"][0]["width"]
    assert "entries lack `width`: llama-3.2-1b" in describe_states(load_study(config))


@pytest.mark.parametrize(
    ("size", "text"), [(5, "5 B"), (1.5e3, "2 kB"), (2e8, "200 MB"), (2.15e11, "215 GB"), (3e12, "3.0 TB")]
)
def test_readable(size, text):
    assert readable(size) == text
