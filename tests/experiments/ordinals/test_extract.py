"""Words with an order: which are single tokens, and their states."""

import numpy as np
import pytest

from models.tiny import save, tiny_model, word_tokenizer, wordpiece_tokenizer
from numprobe.activations.context import Extraction
from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.experiments.ordinals.extract import single_words, write_words
from numprobe.experiments.ordinals.words import SETS
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.models.weights import matrix_name, read_rows

UNITS = "zero one two three four five six seven"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(folder, tiny_model("llama", head=True), word_tokenizer(words=UNITS))
    return ModelSource(kind="path", path=str(folder))


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    output = tmp_path_factory.mktemp("states") / "out"
    write_words(Extraction("m", "word", source, ["0", "3"], device="cpu"), ["number words", "years"], output, {})
    return output


def test_words_that_are_single_tokens_are_found_with_their_places():
    tokenizer = NumberTokenizer(word_tokenizer(words=UNITS))
    assert list(single_words(tokenizer, SETS["number words"])) == list(range(8))
    assert single_words(tokenizer, SETS["months"]) == {}


def test_letters_of_a_wordpiece_vocabulary():
    assert len(single_words(NumberTokenizer(wordpiece_tokenizer()), SETS["letters"])) == 26


def test_rows_say_what_they_are(folder):
    positions = read_positions(folder)
    assert positions.select("set", "text", "place", "number").row(3) == ("number words", "three", 3, 3)
    assert set(positions["set"]) == {"number words"}
    assert read_manifest(folder)["members"] == {"number words": 29, "years": 121}


def test_states_are_those_of_the_model(folder, source):
    ids = read_positions(folder)["token_id"].to_list()
    rows = read_rows(source.path, str(matrix_name(source.path, "embedding")), ids)
    assert np.array_equal(read_states(folder, "embedding"), rows)
    assert np.array_equal(read_states(folder, "0"), rows)
    assert not np.allclose(read_states(folder, "3"), rows)


def test_a_model_without_such_words_has_an_empty_folder(source, tmp_path):
    write_words(Extraction("m", "word", source, ["0"], device="cpu"), ["months"], tmp_path / "o", {})
    assert read_positions(tmp_path / "o").height == 0
    assert read_states(tmp_path / "o", "0").shape == (0, 32)
