from hashlib import sha256

import pytest

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
from numprobe.models.card import as_ranges, describe_numbers, model_card
from numprobe.models.identity import tokenizer_sha256
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer


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
