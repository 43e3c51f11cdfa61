import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from models.tiny import byte_tokenizer, separate_space_tokenizer, word_tokenizer, wordpiece_tokenizer
from numprobe.errors import NumprobeError
from numprobe.experiments.multi_token.chunks import Chunks, find_chunks
from numprobe.models.tokens import Encoded, NumberTokenizer
from numprobe.training.tokenizer import build_tokenizer


def grouping_tokenizer(pattern: str) -> NumberTokenizer:
    """Digits are cut by a pattern; every numeral of up to three digits is a token."""
    numerals = [*map(str, range(1000)), *(f"{n:02d}" for n in range(10)), *(f"{n:03d}" for n in range(100))]
    vocabulary = {token: id for id, token in enumerate(["<s>", "[UNK]", "+", "=", *numerals])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return NumberTokenizer(
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="[UNK]"), "<s>"
    )


LEFT = grouping_tokenizer(r"[0-9]{1,3}|[+=]")
RIGHT = grouping_tokenizer(r"[0-9]{1,3}(?=(?:[0-9]{3})*(?![0-9]))|[+=]")
DIGITS = grouping_tokenizer(r"[0-9]|[+=]")
SMALL = NumberTokenizer(build_tokenizer(["and"], 64))
PIECES = NumberTokenizer(wordpiece_tokenizer())
SPACED = NumberTokenizer(separate_space_tokenizer())
MERGED = NumberTokenizer(byte_tokenizer())


def chunks(numbers, text, numeral):
    start = text.index(numeral)
    return find_chunks(numbers, text, numbers.encode([text])[0], start, start + len(numeral))


@pytest.mark.parametrize(
    ("numbers", "numeral", "values", "widths", "powers"),
    [
        (LEFT, "1234567", (123, 456, 7), (3, 3, 1), (4, 1, 0)),
        (RIGHT, "1234567", (1, 234, 567), (1, 3, 3), (6, 3, 0)),
        (DIGITS, "407", (4, 0, 7), (1, 1, 1), (2, 1, 0)),
        (LEFT, "120007", (120, 7), (3, 3), (3, 0)),
        (LEFT, "12000", (120, 0), (3, 2), (2, 0)),
        (LEFT, "999", (999,), (3,), (0,)),
        (SMALL, "12045", (120, 45), (3, 2), (2, 0)),
        (SPACED, "12345", (12, 34, 5), (2, 2, 1), (3, 1, 0)),
    ],
)
def test_every_grouping_gives_its_values_and_place_values(numbers, numeral, values, widths, powers):
    found = chunks(numbers, f"{numeral}+1=", numeral)
    assert isinstance(found, Chunks)
    assert (found.values, found.widths, found.powers) == (values, widths, powers)
    assert found.number == int(numeral)


@pytest.mark.parametrize("numbers", [LEFT, RIGHT, DIGITS, SMALL, PIECES, SPACED, MERGED])
@pytest.mark.parametrize("numeral", ["7", "70", "100", "4711", "10000", "120007", "1000000", "987654321"])
def test_the_place_values_give_the_whole_number_back(numbers, numeral):
    for text in (numeral, f"1+{numeral}=", f"12 + {numeral} ="):
        found = chunks(numbers, text, numeral)
        assert isinstance(found, Chunks)
        assert found.number == int(numeral)
        assert sum(found.widths) == len(numeral)
        assert list(found.tokens) == list(range(found.tokens[0], found.tokens[-1] + 1))


def test_the_space_before_a_number_is_not_part_of_it():
    found = chunks(MERGED, "is 1234", "1234")
    assert isinstance(found, Chunks)
    assert MERGED.tokenizer.convert_ids_to_tokens(int(MERGED.encode(["is 1234"])[0].ids[found.tokens[0]]))[0] == "Ġ"


def test_what_cannot_be_read_says_why():
    assert chunks(PIECES, "the 12th", "12") == "glued"
    assert chunks(NumberTokenizer(word_tokenizer()), "567", "567") == "unknown"


def test_wrong_offsets_are_an_error():
    encoded = LEFT.encode(["123456"])[0]
    shifted = Encoded(encoded.ids, encoded.starts, encoded.ends.copy())
    shifted.ends[-2] -= 1
    with pytest.raises(NumprobeError, match=r"the tokens of 123456 in .* are not clear"):
        find_chunks(LEFT, "123456", shifted, 0, 6)
    with pytest.raises(NumprobeError, match="no token covers"):
        find_chunks(LEFT, "123456", LEFT.encode(["1"])[0], 3, 6)
