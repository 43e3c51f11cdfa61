from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from activations.prompts import prompt_table
from models.tiny import save, tiny_model, word_tokenizer
from numprobe.activations.context import Extraction, extract_context
from numprobe.activations.extract import batch_passes
from numprobe.activations.locate import locate_numbers
from numprobe.activations.sharing import chosen_sharing, describe_sharing, sharing_difference, sharing_is_right
from numprobe.activations.store import read_positions, read_states
from numprobe.models.architecture import locate_parts
from numprobe.models.facts import known_sharing
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.sealed import write_sealed_json
from numprobe.tables import write_table

TEXTS = [[1, 20, 30, 40, 50, 60], [1, 20, 30, 41, 51, 61, 71]]
SUMS = [f"{a} + {b} is the sum" for a in (3, 7, 150) for b in range(0, 190, 19)]
# Of no listed type, but built as Llama is.
UNLISTED = "iquestcoder"
DECLARED = {UNLISTED: {"architectures": ["IQuestCoderForCausalLM"]}}


def difference(kind):
    return sharing_difference(locate_parts(tiny_model(kind, **DECLARED.get(kind, {}))), TEXTS)


@pytest.mark.parametrize("kind", ["llama", "gemma3_text", "gpt_oss", "deepseek_v3", UNLISTED])
def test_causal_models_differ_by_rounding(kind):
    assert 0 <= difference(kind) < 1e-5


@pytest.mark.parametrize("kind", ["qwen3_next", "lfm2", "recurrent_gemma", "bert"])
def test_models_that_see_more_than_the_mask_allows_differ_by_more(kind):
    assert difference(kind) > 0.1


def test_a_model_that_takes_no_such_mask_cannot_be_compared():
    assert difference("mamba") is None
    assert not sharing_is_right(locate_parts(tiny_model("llama")), None)


def test_the_tolerance_is_that_of_the_type():
    model = tiny_model("llama")
    assert not sharing_is_right(locate_parts(model), 1e-2)
    assert sharing_is_right(locate_parts(model.bfloat16()), 1e-2)
    assert not sharing_is_right(locate_parts(model), 0.1)


def test_what_is_known_of_the_types():
    assert [known_sharing({"model_type": kind}) for kind in ("llama", "gpt_oss", UNLISTED)] == [True, True, None]
    assert [known_sharing({"model_type": kind}) for kind in ("bert", "bloom", "lfm2")] == [False] * 3
    assert known_sharing({"model_type": "falcon", "alibi": True}) is False
    assert known_sharing({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}) is True


def described(tmp_path, kind, **options):
    source = ModelSource("path", path=str(save(tmp_path / kind, tiny_model(kind, head=True), word_tokenizer())))
    return source, describe_sharing(source, device="cpu", **options)


def test_only_a_model_of_an_unlisted_type_is_run(tmp_path, monkeypatch):
    source, told = described(tmp_path, UNLISTED)
    assert told["shared"] is True
    assert 0 < told["difference"] < 1e-5
    monkeypatch.setattr("numprobe.activations.sharing.load_model", None)
    assert described(tmp_path, "llama")[1] == {"shared": True, "difference": None}
    assert described(tmp_path, "mamba")[1] == {"shared": False, "difference": None}
    embeddings = replace(source, embeddings_only=True)
    assert describe_sharing(embeddings, device="cpu") == {"shared": False, "difference": None}


def test_extraction_takes_the_choice_of_the_card(tmp_path):
    source, told = described(tmp_path, UNLISTED)
    card = tmp_path / "card.json"
    write_sealed_json(card, {"prefixes": told})
    assert chosen_sharing(card) is True
    assert chosen_sharing(None) is None
    write_table(tmp_path / "prompts.parquet", prompt_table(SUMS), {})
    folders = {}
    for shares in (None, True):
        folders[shares] = tmp_path / str(shares)
        extraction = Extraction("m", "c", source, device="cpu", shares=shares)
        extract_context(extraction, tmp_path / "prompts.parquet", folders[shares], {})
    key = ["prompt", "token"]
    tables = [read_positions(folder).sort(key) for folder in folders.values()]
    # Texts end at their last number where the rest changes nothing.
    assert [table["n_tokens"].to_list()[0] for table in tables] == [7, 4]
    for layer in ("0", "3", "final_norm"):
        whole, shared = (read_states(f, layer)[t["row"]] for f, t in zip(folders.values(), tables, strict=True))
        assert_allclose(shared, whole, rtol=1e-4, atol=1e-4)


def test_a_measured_choice_is_about_types_that_are_not_listed():
    located = locate_numbers(prompt_table(SUMS), NumberTokenizer(word_tokenizer()), None)

    def fed(kind, shares):
        passes = batch_passes(locate_parts(tiny_model(kind, **DECLARED.get(kind, {})), shares), located, 10_000, True)
        return [one.layout is not None for one in passes]

    assert fed("llama", None) == fed("llama", False) == fed(UNLISTED, True) == [True]
    assert fed("lfm2", True) == fed("bert", True) == fed(UNLISTED, None) == fed(UNLISTED, False) == [False]


def test_states_at_all_tokens_of_all_texts_are_compared():
    """A model that changes one token of the second text, where it is told to look both ways, is found out."""
    model = tiny_model("llama")
    model.layers[1].register_forward_hook(lambda module, args, output: output + output.flip(1))
    assert sharing_difference(locate_parts(model), TEXTS) > 0.1
    assert np.isfinite(sharing_difference(locate_parts(tiny_model("llama").to(torch.bfloat16)), TEXTS))
