import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.testing import assert_close

from models.tiny import save, tiny_model, word_tokenizer
from numprobe.activations.extract import extract_states
from numprobe.device import choose_device, gpu_or_none
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts, output_matrix
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.source import ModelSource
from numprobe.models.weights import matrix_name


@pytest.fixture(params=["llama", "olmo2", "gpt2", "bert"])
def folder(request, tmp_path):
    return save(tmp_path / request.param, tiny_model(request.param, head=request.param != "bert"), word_tokenizer())


def source_of(folder):
    return ModelSource("path", path=str(folder))


def test_the_bare_model_has_the_stored_weights_and_no_head(folder):
    model = load_model(source_of(folder), device="cpu")
    stored = load_file(folder / "model.safetensors")[matrix_name(folder, "embedding")]
    assert_close(locate_parts(model).input_matrix, torch.nn.Parameter(stored))
    assert not model.training
    assert model.get_output_embeddings() is None


def test_the_head_is_loaded_when_asked(tmp_path):
    folder = save(tmp_path / "m", tiny_model("olmo2", head=True, tie_word_embeddings=False), word_tokenizer())
    model = load_model(source_of(folder), device="cpu", head=True)
    assert_close(output_matrix(model), load_file(folder / "model.safetensors")["lm_head.weight"])


@pytest.mark.parametrize(("dtype", "expected"), [("bfloat16", torch.bfloat16), ("auto", torch.float32)])
def test_types_of_the_weights(folder, dtype, expected):
    assert load_model(source_of(folder), dtype, "cpu").dtype == expected
    assert load_model(source_of(folder), dtype, "cpu", untrained_seed=1).dtype == expected


def test_untrained_weights_depend_on_the_seed_alone(folder):
    state = torch.random.get_rng_state()
    first, again, other = (load_model(source_of(folder), device="cpu", untrained_seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    weights = [locate_parts(model).input_matrix for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.allclose(weights[0], weights[2])
    trained = load_model(source_of(folder), device="cpu")
    assert {name: value.shape for name, value in first.named_parameters()} == {
        name: value.shape for name, value in trained.named_parameters()
    }
    assert not torch.allclose(weights[0], locate_parts(trained).input_matrix)


@pytest.mark.parametrize("kind", ["llama", "olmo2", "gpt2"])
def test_untrained_weights_are_the_same_with_and_without_head(kind, tmp_path):
    folder = save(tmp_path / "m", tiny_model(kind, head=True), word_tokenizer())
    bare = load_model(source_of(folder), device="cpu", untrained_seed=5)
    full = load_model(source_of(folder), device="cpu", untrained_seed=5, head=True).base_model
    for (name, one), (_, other) in zip(bare.named_parameters(), full.named_parameters(), strict=True):
        assert torch.equal(one, other), name


def test_weights_that_are_not_in_the_file_are_an_error(tmp_path):
    folder = save(tmp_path / "m", tiny_model("llama"), word_tokenizer())
    weights = load_file(folder / "model.safetensors")
    del weights["layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NumprobeError, match=r"lack layers.1.mlp.up_proj.weight \(1 in all\)"):
        load_model(source_of(folder), device="cpu")


def test_a_truncated_file_is_an_error(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(NumprobeError, match=r"model.safetensors is not a complete safetensors file"):
        load_model(source_of(folder), device="cpu")


def test_a_pooler_that_is_not_in_the_file_does_not_matter(tmp_path):
    folder = save(tmp_path / "m", tiny_model("bert"), word_tokenizer())
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("pooler")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert load_model(source_of(folder), device="cpu").config.model_type == "bert"


def test_a_wrong_number_of_blocks_is_an_error_that_names_both():
    model = tiny_model("llama")
    del model.layers[-1]
    with pytest.raises(NumprobeError, match=r"has 2 blocks, its config.json says 3"):
        locate_parts(model)


def test_a_missing_or_unexpected_final_norm_is_an_error():
    model = tiny_model("llama")
    del model.norm
    with pytest.raises(NumprobeError, match="none final norm was found where there should be one"):
        locate_parts(model)


def test_the_tokenizer_is_the_saved_one(folder):
    tokenizer = load_tokenizer(source_of(folder))
    assert tokenizer("12 is").input_ids == word_tokenizer()("12 is").input_ids
    assert isinstance(tokenizer.backend_tokenizer, Tokenizer)


def test_a_folder_without_tokenizer_is_an_error(tmp_path):
    tiny_model("llama").save_pretrained(tmp_path)
    with pytest.raises(NumprobeError, match="tokenizer"):
        load_tokenizer(source_of(tmp_path))


def test_a_slow_tokenizer_is_an_error(folder, monkeypatch):
    slow = type("Slow", (), {"is_fast": False})()
    monkeypatch.setattr("numprobe.models.load.AutoTokenizer.from_pretrained", lambda *_, **__: slow)
    with pytest.raises(NumprobeError, match="not a fast one"):
        load_tokenizer(source_of(folder))


def test_a_device_that_is_not_there():
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(NumprobeError, match="device 'cuda:99' does not exist here"):
        choose_device("cuda:99")
    assert gpu_or_none("cpu") is None
    with pytest.raises(NumprobeError, match="device 'cuda:99' does not exist here"):
        gpu_or_none("cuda:99")


# Blocks 1 and 2 wait on disk and are computed on the CPU when it is their turn.
SPREAD = "map=" + json.dumps(
    {
        "embed_tokens": "cpu",
        "rotary_emb": "cpu",
        "layers.0": "cpu",
        "layers.1": "disk",
        "layers.2": "disk",
        "norm": "cpu",
    }
)


def states(model):
    where = (np.array([0, 0, 1]), np.array([1, 3, 2]))
    return extract_states(locate_parts(model), torch.arange(8).reshape(2, 4), where, ["0", "1", "2", "3", "final_norm"])


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("spread", [SPREAD, 'map={"": "cpu"}', "map=auto", "map=sequential"])
def test_a_model_that_is_spread_over_devices_has_the_same_states(tmp_path, spread, seed):
    folder = save(tmp_path / "m", tiny_model("llama", head=True), word_tokenizer())
    whole = load_model(source_of(folder), device="cpu", untrained_seed=seed)
    parted = load_model(source_of(folder), device=spread, untrained_seed=seed)
    if spread == SPREAD:
        assert {parameter.device.type for parameter in parted.parameters()} == {"cpu", "meta"}
    expected, found = states(whole), states(parted)
    # A GPU, where there is one, rounds otherwise.
    tolerance = 1e-4 if torch.cuda.is_available() and not spread.startswith("map={") else 0
    for layer, values in expected.items():
        np.testing.assert_allclose(found[layer], values, rtol=tolerance, atol=tolerance, err_msg=layer)


@pytest.mark.parametrize("tied", [True, False])
def test_the_head_of_a_spread_model_is_placed_too(tmp_path, tied):
    folder = save(tmp_path / "m", tiny_model("llama", head=True, tie_word_embeddings=tied), word_tokenizer())
    tokens = torch.arange(4)[None]
    with torch.inference_mode():
        expected = load_model(source_of(folder), device="cpu", head=True)(tokens).logits
        found = load_model(source_of(folder), device=SPREAD, head=True)(tokens).logits
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("text", "message"), [("map=best", "allowed are auto, balanced"), ("map={", "not a JSON")])
def test_device_maps_that_make_no_sense(folder, text, message):
    with pytest.raises(NumprobeError, match=f"device_map: .*{message}"):
        load_model(source_of(folder), device=text)
