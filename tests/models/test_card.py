from hashlib import sha256

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.tiny import (
    LAYERS,
    VOCABULARY,
    WIDTH,
    digit_tokenizer,
    merging_tokenizer,
    save,
    tiny_model,
    word_tokenizer,
    wordpiece_tokenizer,
)
from numprobe.errors import NumprobeError
from numprobe.models.card import as_ranges, describe_numbers, model_card
from numprobe.models.identity import tokenizer_sha256
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.models.weights import matrix_name, read_rows, tensor_shapes, weights_sha256


@pytest.mark.parametrize("tied", [True, False])
def test_a_card_says_what_the_model_is(tmp_path, tied):
    model, tokenizer = tiny_model("llama", head=True, tie_word_embeddings=tied), word_tokenizer()
    folder = save(tmp_path / "m", model, tokenizer)
    card = model_card("mine", ModelSource("path", path=str(folder)), tokenizer, 0, 299, {"script": "test"})
    assert card["name"] == "mine"
    assert (card["architecture"], card["model_type"]) == ("LlamaForCausalLM", "llama")
    assert (card["layers"], card["width"], card["vocabulary"]) == (LAYERS, WIDTH, VOCABULARY)
    assert (card["tied"], card["encoder"], card["final_norm"]) == (tied, False, True)
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert card["weights_sha256"] == sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert card["tokenizer_sha256"] == tokenizer_sha256(tokenizer)
    assert card["source"] == {"kind": "path", "path": str(folder)}
    assert card["single_token_numbers"] == {
        "count": 200,
        "contiguous_from_minimum": [0, 199],
        "ranges": [[0, 199]],
    }
    assert card["number_tokens"] == {"1": 200}
    assert card["leading_space"] == "none"
    assert card["provenance"] == {"script": "test"}


def test_numbers_that_are_not_contiguous_from_the_minimum():
    numbers = NumberTokenizer(wordpiece_tokenizer())
    told = describe_numbers(numbers, 50, 70)
    assert told["single_token_numbers"] == {"count": 10, "contiguous_from_minimum": [50, 59], "ranges": [[50, 59]]}
    assert told["number_tokens"] == {"1": 10, "2": 11}
    assert told["multi_token_examples"]["60"] == ["6", "0"]
    assert describe_numbers(numbers, 60, 70)["single_token_numbers"]["contiguous_from_minimum"] is None


def test_counts_of_tokens():
    assert describe_numbers(NumberTokenizer(digit_tokenizer()), 0, 999)["number_tokens"] == {"1": 10, "2": 90, "3": 900}
    # 12 and 123 are single, 13 too; 21 is 2, 1; 213 is 2, 13; 321 is 3, 2, 1.
    counts = NumberTokenizer(merging_tokenizer()).token_counts
    assert [counts([value]) for value in (7, 13, 123, 21, 213, 321)] == [{1: 1}] * 3 + [{2: 1}] * 2 + [{3: 1}]


def test_ranges():
    assert as_ranges([]) == []
    assert as_ranges([1, 2, 3, 5, 7, 8]) == [[1, 3], [5, 5], [7, 8]]


def test_several_files_are_hashed_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.safetensors").write_bytes(b"two")
    (tmp_path / "a.safetensors").write_bytes(b"one")
    assert weights_sha256(tmp_path) == sha256(b"onetwo").hexdigest()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rows_are_read_from_whichever_file_holds_them(tmp_path, dtype):
    matrix = torch.arange(24).reshape(6, 4).to(dtype)
    save_file({"other.weight": torch.zeros(2)}, tmp_path / "a.safetensors")
    save_file({"model.embed_tokens.weight": matrix}, tmp_path / "b.safetensors")
    assert matrix_name(tmp_path, "embedding") == "model.embed_tokens.weight"
    assert matrix_name(tmp_path, "unembedding") is None
    rows = read_rows(tmp_path, "model.embed_tokens.weight", [5, 0])
    assert rows.dtype == np.float32
    assert rows.tolist() == [[20, 21, 22, 23], [0, 1, 2, 3]]
    assert tensor_shapes(tmp_path) == {"other.weight": (2,), "model.embed_tokens.weight": (6, 4)}


def test_two_matrices_that_could_be_it_are_none(tmp_path):
    save_file(
        {"a.embed_tokens.weight": torch.zeros(2, 2), "b.embed_tokens.weight": torch.zeros(2, 2)},
        tmp_path / "a.safetensors",
    )
    assert matrix_name(tmp_path, "embedding") is None


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(NumprobeError, match="no safetensors"):
        weights_sha256(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"\x09\x00\x00\x00\x00\x00\x00\x00{broken")
    with pytest.raises(NumprobeError, match=r"a.safetensors is not a complete safetensors file"):
        tensor_shapes(tmp_path)
