"""What a configuration resolves to."""

from pathlib import Path

import pytest
import yaml
from study import load_study

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study():
    return load_study(yaml.safe_load((ROOT / "config/config.yaml").read_text()))


def test_encoders_are_skipped_where_a_next_token_is_needed(study):
    assert study.not_applicable() == ["minilm:result:encoder"]
    assert "result" not in study.contexts_of("minilm")
    assert "result" in study.contexts_of("llama")


def test_checkpoints_share_the_untrained_control_of_their_model(study):
    untrained = {model for model, _ in study.runs() if model.endswith(".untrained")}
    assert untrained == {"llama.untrained", "olmo2.untrained", "phi3.untrained", "minilm.untrained"}


def test_layers_are_known_before_any_model_exists(study):
    assert study.layers("llama", "number") == ("0", "1", "2", "3", "4", "final_norm")
    assert study.layers("minilm.untrained", "number") == ("0", "1", "2", "3", "4", "5", "6")
    assert study.layers("olmo2", "vocabulary") == ("embedding", "unembedding")
    assert study.layers("llama", "vocabulary") == ("embedding",)


def test_untrained_weights_differ_between_models_of_one_shape(study):
    assert study.untrained_seed("llama.untrained") != study.untrained_seed("phi3.untrained")
    assert study.untrained_seed("llama") is None


def test_paper_study_holds_nothing_of_the_default_study():
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    resolved = load_study(default | paper)
    assert not {entry["name"] for entry in default["models"]} & set(resolved.models)
