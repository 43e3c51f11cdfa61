import sys

import pytest
import torch
from transformers import AutoConfig, AutoModel

from models.tiny import ENCODERS, LAYERS, USUAL, tiny_config, tiny_model
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts
from numprobe.models.facts import (
    ModelFacts,
    check_layers,
    check_single_tokens,
    facts_from_config,
    read_config,
    state_layers,
    vocabulary_layers,
)
from numprobe.models.model_types import SUPPORTED
from numprobe.models.packages import find_package_folder

CAUSAL = [kind for kind in SUPPORTED if kind not in ENCODERS]


@pytest.mark.parametrize("kind", USUAL)
def test_facts_of_every_supported_family_agree_with_the_built_model(kind):
    with torch.device("meta"):
        parts = locate_parts(AutoModel.from_config(tiny_config(kind)))
    assert (parts.facts.layers, len(parts.blocks)) == (LAYERS, LAYERS)
    assert (parts.final_norm is not None) == parts.facts.final_norm
    assert parts.facts.encoder == (kind in ENCODERS)


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_config_that_does_not_speak_of_tying_means_the_familys_default(kind):
    config = {"model_type": kind, "num_hidden_layers": 2, "architectures": ["XForCausalLM"]}
    usual = AutoConfig.for_model(kind).to_dict().get("tie_word_embeddings")
    assert facts_from_config(config).tied == bool(usual)


@pytest.mark.parametrize("kind", ["llama", "olmo2", "phi3", "gpt2", "gpt_neox", "gemma2"])
@pytest.mark.parametrize("tied", [True, False])
def test_facts_of_a_saved_model(kind, tied, tmp_path):
    model = tiny_model(kind, head=True, tie_word_embeddings=tied)
    model.save_pretrained(tmp_path)
    shared = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert shared == tied
    assert facts_from_config(read_config(tmp_path)) == ModelFacts(LAYERS, False, True, tied, True)


def test_a_model_without_a_head_has_no_output_matrix():
    base = {"model_type": "mistral", "architectures": ["MistralModel"], "num_hidden_layers": 2}
    facts = facts_from_config({**base, "tie_word_embeddings": False})
    assert not facts.unembedding
    assert not facts.tied
    assert vocabulary_layers(facts) == ["embedding"]


def test_an_unknown_decoder_that_describes_itself_as_llama_does_is_accepted():
    config = {
        "model_type": "new",
        "architectures": ["NewForCausalLM"],
        "num_hidden_layers": 5,
        "tie_word_embeddings": False,
    }
    assert facts_from_config(config) == ModelFacts(5, encoder=False, final_norm=True, tied=False, unembedding=True)
    del config["tie_word_embeddings"]
    with pytest.raises(NumprobeError, match=r"'new' are not supported .*supported: .*llama"):
        facts_from_config(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "bert", "is_decoder": True, "num_hidden_layers": 2}, "is_decoder"),
        ({"model_type": "llama"}, "number of layers: add one of num_hidden_layers, "),
        ({"model_type": "llava", "text_config": {"model_type": "llama"}}, "llama model .* add one of .* `text_config`"),
        ({}, "not supported"),
        ({"model_type": "xlstm", "num_hidden_layers": 2}, "'xlstm' .* does not report its hidden states"),
        ({"model_type": "gemma3n", "text_config": {"model_type": "gemma3n_text"}}, "'gemma3n_text' .* four states"),
        ({"model_type": "opt", "hidden_size": 8, "word_embed_proj_dim": 4}, "projection around its blocks"),
        ({"model_type": "opt", "do_layer_norm_before": False}, "no norm after them"),
    ],
)
def test_configurations_that_cannot_be_used(config, message):
    with pytest.raises(NumprobeError, match=message):
        facts_from_config(config)


def test_names_of_states():
    assert state_layers(ModelFacts(2, False, True, True, True)) == ["0", "1", "2", "final_norm"]
    assert state_layers(ModelFacts(1, True, False, False, False)) == ["0", "1"]
    assert vocabulary_layers(ModelFacts(1, False, True, True, True)) == ["embedding"]
    assert vocabulary_layers(ModelFacts(1, False, True, False, True)) == ["embedding", "unembedding"]


def test_a_mismatch_of_layers_names_both_numbers():
    check_layers(4, None)
    check_layers(4, 4)
    with pytest.raises(NumprobeError, match=r"has 4 layers, the configuration says 5"):
        check_layers(4, 5)


def test_a_package_folder_is_found_without_importing_the_package(tmp_path, monkeypatch):
    (tmp_path / "explosive_model" / "weights").mkdir(parents=True)
    (tmp_path / "explosive_model" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_package_folder("explosive_model", "weights") == tmp_path / "explosive_model" / "weights"
    assert "explosive_model" not in sys.modules
    with pytest.raises(NumprobeError, match="no folder 'other'"):
        find_package_folder("explosive_model", "other")


@pytest.mark.parametrize("package", ["no_such_model", "no-such-model", ""])
def test_a_missing_package_says_how_to_install_it(package):
    with pytest.raises(NumprobeError, match="pip install"):
        find_package_folder(package, "model")


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(NumprobeError, match=r"no config.json"):
        read_config(tmp_path)
    with pytest.raises(NumprobeError, match="does not exist"):
        read_config(tmp_path / "nothing")


def test_another_number_of_single_tokens_names_the_key():
    check_single_tokens(10, 10)
    check_single_tokens(10, None)
    with pytest.raises(
        NumprobeError, match="10 of the numbers are single tokens, the configuration says 50: correct `s"
    ):
        check_single_tokens(10, 50)
