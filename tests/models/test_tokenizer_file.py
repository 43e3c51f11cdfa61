"""The tokenizer in use is the folder's `tokenizer.json`, whatever class the folder declares."""

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from models.made import CLASSES, SIGNS, tokenizers, write_folder
from models.tiny import digit_tokenizer, merging_tokenizer, save, tiny_model, word_tokenizer, wordpiece_tokenizer
from numprobe.errors import NumprobeError
from numprobe.models import told
from numprobe.models.load import load_tokenizer
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer


@pytest.fixture(autouse=True)
def nothing_shown(monkeypatch):
    monkeypatch.setattr(told, "_shown", set())


def load(folder):
    return load_tokenizer(ModelSource("path", path=str(folder)))


def change(folder, file="tokenizer_config.json", **settings):
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return folder


def folder_of(tmp_path, tokenizer, declared):
    folder = write_folder(tmp_path / "model", tokenizer.backend_tokenizer, declared)
    names = ("bos_token", "eos_token", "unk_token")
    return change(folder, **{name: getattr(tokenizer, name) for name in names})


@pytest.mark.parametrize("declared", CLASSES)
@pytest.mark.parametrize("make", [digit_tokenizer, merging_tokenizer, word_tokenizer, wordpiece_tokenizer])
def test_the_tokens_are_those_of_the_file_whatever_class_is_declared(tmp_path, make, declared):
    folder = folder_of(tmp_path, make(), declared)
    file = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = load(folder)
    for text in ("12 is 345, 1,000", " 7", "a٤٢b -3.5"):
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == file.encode(text, add_special_tokens=False).ids
        assert tokenizer(text)["input_ids"] == file.encode(text).ids


def test_digits_that_a_declared_class_would_merge_are_single(tmp_path):
    """GPT-2 keeps digits together, so the pairs of a vocabulary that the file's cut never reaches would be merged."""
    tokenizer = merging_tokenizer()
    cut = {"type": "Digits", "individual_digits": True}
    file = json.loads(tokenizer.backend_tokenizer.to_str())
    file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [cut, file["pre_tokenizer"]]}
    folder = folder_of(tmp_path, tokenizer, "GPT2Tokenizer")
    (folder / "tokenizer.json").write_text(json.dumps(file))
    single, _ = NumberTokenizer(load(folder)).number_tokens(range(1000))
    assert list(single) == list(range(10))
    rebuilt = AutoTokenizer.from_pretrained(folder)
    assert len(NumberTokenizer(rebuilt).number_tokens(range(1000))[0]) == 10 + 36 + 1


def test_both_readings_are_shown_once(tmp_path, capsys):
    folder = folder_of(tmp_path, wordpiece_tokenizer(), "LlamaTokenizer")
    load(folder)
    load(folder)
    shown = capsys.readouterr().err
    assert shown.count("the file is used") == 1
    assert f"LlamaTokenizer, which {folder} declares, writes '42' as 4 | 2, its tokenizer.json as 42: the file" in shown


def test_special_tokens_that_a_class_has_by_default_stay_known(tmp_path):
    """The files of GPT-2 name none."""
    folder = folder_of(tmp_path, merging_tokenizer(), "GPT2Tokenizer")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    tokenizer = load(folder)
    assert tokenizer.eos_token == "<|endoftext|>"
    assert len(tokenizer) == len(merging_tokenizer())


def test_settings_that_change_the_file_are_refused_with_both_readings(tmp_path):
    folder = folder_of(tmp_path, digit_tokenizer(), "PreTrainedTokenizerFast")
    added = {"content": "348", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    change(folder, added_tokens_decoder={"300": {**added, "special": False}})
    with pytest.raises(NumprobeError, match=r"transformers writes '\$348' as \$ \| 348, .*json as \$ \| 3 \| 4 \| 8"):
        load(folder)


@pytest.mark.parametrize("declared", ["MarkupLMTokenizer", "T5Tokenizer"])
def test_a_class_that_cannot_take_the_file_is_told_and_not_used(tmp_path, capsys, declared):
    folder = folder_of(tmp_path, digit_tokenizer(), declared)
    assert load(folder)("12", add_special_tokens=False)["input_ids"] == digit_tokenizer()("12")["input_ids"]
    assert "cannot build the tokenizer that" in capsys.readouterr().err


def test_warnings_of_transformers_are_shown_once(tmp_path, capsys):
    folder = folder_of(tmp_path, digit_tokenizer(), "LlamaTokenizer")
    with told.library_warnings():
        logging.getLogger("transformers.tokenization_auto").warning("the pattern is\nwrong")
    load(folder)
    with told.library_warnings():
        logging.getLogger("transformers.tokenization_auto").warning("the pattern is\nwrong")
    logging.getLogger("transformers.tokenization_auto").warning("never seen")
    assert capsys.readouterr().err.count("warning: the pattern is wrong\n") == 1


def test_a_folder_without_the_file_is_refused(tmp_path):
    """From a vocabulary alone transformers makes merges up."""
    folder = save(tmp_path / "m", tiny_model("llama"), digit_tokenizer())
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(NumprobeError, match=r"has no tokenizer\.json\. Write one with AutoTokenizer"):
        load(folder)


def test_merges_dropped_by_chance_are_refused(tmp_path):
    folder = folder_of(tmp_path, merging_tokenizer(), "PreTrainedTokenizerFast")
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    change(folder, "tokenizer.json", model={**model, "dropout": 0.5})
    with pytest.raises(NumprobeError, match=r"drops merges at random, .* set `dropout` to null"):
        load(folder)


@settings(max_examples=12)
@given(tokenizers(), st.sampled_from(CLASSES), st.lists(st.text(SIGNS, max_size=12), min_size=1, max_size=5))
def test_made_tokenizers_are_used_as_their_files_are(tmp_path_factory, made, declared, texts):
    folder = write_folder(tmp_path_factory.mktemp("made"), made, declared)
    tokenizer = load(folder)
    for text in texts:
        assert tokenizer(text)["input_ids"] == Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
