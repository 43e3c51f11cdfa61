"""A number is read only if its tokens are its digits, and what lies between it and other digits is in the tokens."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from activations.prompts import prompt_table
from models.made import SIGNS, tokenizers, wrapped
from models.tiny import byte_tokenizer, digit_tokenizer, word_tokenizer, wordpiece_tokenizer
from numprobe.activations.locate import locate_numbers
from numprobe.errors import NumprobeError
from numprobe.models.tokens import NumberTokenizer, Span


def normalising(normalizer, make=digit_tokenizer):
    tokenizer = make()
    tokenizer.backend_tokenizer.normalizer = normalizer
    return NumberTokenizer(tokenizer)


def without_unknown(signs):
    """A tokenizer that drops, as BPE does without an unknown token, whatever is not among some signs."""
    tokenizer = Tokenizer(models.BPE({sign: id for id, sign in enumerate(["<s>", *signs])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return NumberTokenizer(wrapped(tokenizer))


def found(numbers, text):
    """The numbers of a text, and what is said of each."""
    encoded = numbers.encode([text])
    spans = np.array([match.span() for match in re.finditer("[0-9]+", text)]).reshape(-1, 2)
    values = np.array([int(text[start:end]) for start, end in spans], dtype=np.int64)
    told = numbers.find_all([text], encoded, np.zeros(len(spans), dtype=np.int64), spans, values)
    return dict(zip(map(tuple, spans.tolist()), told, strict=True)), encoded[0]


def said(numbers, text):
    """Of each number its reason, or its tokens."""
    spans, encoded = found(numbers, text)
    return [
        one if isinstance(one, str) else numbers.tokenizer.convert_ids_to_tokens(encoded.ids[one.first : one.last + 1])
        for one in spans.values()
    ]


@pytest.mark.parametrize(
    ("normalizer", "text"),
    [
        (normalizers.Replace(" ", ""), "12 34"),
        (normalizers.Replace(Regex("[,.]"), ""), "1,234 and 3.5"),
        (normalizers.Replace("-", ""), "3-7"),
        (normalizers.Replace(Regex("[a-z]+"), ""), "12and34"),
        (normalizers.Replace(Regex(r"\s+"), ""), "12 \n\t 34"),
        (normalizers.NFKC(), "12² ½5 ③7 5㍘"),
        (normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" ", "")]), "３ 4 ６"),
        (normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), "5\u03016"),
        (normalizers.BertNormalizer(), "1\u200b2 1\u00ad2"),
        (normalizers.Replace("ten", "10"), "ten5"),
    ],
)
def test_what_a_normaliser_deletes_does_not_part_numbers(normalizer, text):
    reasons = said(normalising(normalizer), text)
    assert reasons == ["glued"] * len(reasons) != []


def test_what_stays_in_the_tokens_parts_numbers():
    assert said(normalising(normalizers.Replace(",", " ")), "1,234") == [["1"], ["2", "3", "4"]]
    assert said(normalising(normalizers.Lowercase()), "12A34") == [["1", "2"], ["3", "4"]]
    assert said(NumberTokenizer(byte_tokenizer()), "12 34") == [["12"], ["Ġ34"]]
    assert said(NumberTokenizer(digit_tokenizer()), "12 34") == [["1", "2"], ["3", "4"]]
    assert said(NumberTokenizer(wordpiece_tokenizer()), "12 34") == [["12"], ["34"]]
    assert said(normalising(normalizers.Replace("$", "")), "$12 and $34") == [["1", "2"], ["3", "4"]]


def test_continuations_behind_deleted_signs_are_no_numbers_of_their_own():
    assert said(NumberTokenizer(wordpiece_tokenizer()), "1\u200b2") == ["glued", "glued"]


def test_signs_without_a_token_do_not_part_numbers():
    assert said(without_unknown("0123456789"), "12 and 34") == ["glued", "glued"]
    assert said(without_unknown("0123456789d"), "12 and 34") == [["1", "2"], ["3", "4"]]


def test_offsets_that_signs_without_a_token_shift_are_an_error():
    """Both numbers would be found at the tokens of the second."""
    with pytest.raises(NumprobeError, match="vocabulary that drops characters"):
        said(without_unknown("0123456789"), "aa11-11")


def test_groups_of_digits_that_another_cut_would_give_are_glued():
    """Tokens of up to three digits, spaces leave no trace: 123 45 is written as 12345 is, 12 345 is not."""
    numbers = NumberTokenizer(word_tokenizer())
    assert said(numbers, "123 45") == ["glued", "glued"]
    assert said(numbers, "12 145") == [["12"], ["145"]]
    assert said(numbers, "123 , 45") == [["123"], ["45"]]


def test_a_part_of_a_number_is_glued_to_the_rest():
    numbers = NumberTokenizer(digit_tokenizer())
    encoded = numbers.encode(["a 123"])[0]
    assert [numbers.find("a 123", encoded, start, start + 1, start - 1) for start in (2, 3, 4)] == ["glued"] * 3


def test_a_token_that_ends_in_a_space_is_more_than_the_number():
    """Trimmed offsets hide the space."""
    vocabulary = {token: id for id, token in enumerate(["<s>", "1", "Ġ", "a", "1Ġ"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("1", "Ġ")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder, tokenizer.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=True)
    numbers = NumberTokenizer(wrapped(tokenizer))
    assert numbers.encode(["1 a"])[0].ends[1] == 1
    assert (said(numbers, "1 a"), said(numbers, "a1")) == (["glued"], [["1"]])


def test_glued_rows_of_a_context_are_dropped_and_counted():
    numbers = normalising(normalizers.Replace(" ", ""))
    located = locate_numbers(prompt_table(["1 2 and 3", "45 is 6"]), numbers, None)
    assert located.dropped == {"glued": 2, "unknown": 0, "too_long": 0}
    assert sorted(located.positions["number"]) == [3, 6, 45]


def test_many_numbers_in_one_line_are_told_apart_in_short_pieces(monkeypatch):
    numbers = NumberTokenizer(byte_tokenizer())
    text = " ".join(map(str, range(100, 900)))
    lengths = []
    encode = numbers.encode
    monkeypatch.setattr(numbers, "encode", lambda texts: lengths.extend(map(len, texts)) or encode(texts))
    assert all(isinstance(one, Span) for one in found(numbers, text)[0].values())
    assert sum(lengths) < 20 * len(text)


def in_characters(tokenizer, token):
    """A token's text by the raw vocabulary: bytes, word starts and continuations undone."""
    token = token.removeprefix("##") if isinstance(tokenizer.model, models.WordPiece) else token
    if isinstance(tokenizer.decoder, decoders.ByteLevel):
        return bytes(BYTES[sign] for sign in token).decode("utf-8", "replace")
    return token.replace("▁", " ")


def is_digit(sign):
    return any(one in "0123456789" for one in unicodedata.normalize("NFKC", sign))


# Byte-level alphabets: printable bytes stand for themselves, others are moved behind the Latin-1 range.
PRINTED = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTES = {chr(byte): byte for byte in PRINTED}
BYTES |= {chr(256 + place): byte for place, byte in enumerate(byte for byte in range(256) if byte not in PRINTED)}
TEXTS = st.text(SIGNS, max_size=14) | st.text("0123456789 ,.-ax\u200b", max_size=14)


def kept(numbers, text):
    """The numbers of a text that are read, and its tokens; none where offsets are told to be wrong."""
    try:
        spans, encoded = found(numbers, text)
    except NumprobeError:
        return {}, numbers.encode([text])[0]
    return {place: one for place, one in spans.items() if isinstance(one, Span)}, encoded


@settings(max_examples=60)
@given(tokenizers(), TEXTS)
def test_tokens_of_made_tokenizers_are_the_numbers_digits_by_the_raw_vocabulary(made, text):
    spans, encoded = kept(NumberTokenizer(wrapped(made)), text)
    for (start, end), span in spans.items():
        tokens = [made.id_to_token(int(id)) for id in encoded.ids[span.first : span.last + 1]]
        assert "".join(in_characters(made, token).lstrip() for token in tokens) == text[start:end]


@settings(max_examples=60)
@given(tokenizers(), TEXTS)
def test_without_what_lies_between_two_numbers_the_tokens_are_others(made, text):
    spans, _ = kept(NumberTokenizer(wrapped(made)), text)
    ids = made.encode(text).ids
    # Digits that leave no trace themselves are no neighbours.
    digits = [
        at for at, sign in enumerate(text) if is_digit(sign) and made.encode(text[:at] + text[at + 1 :]).ids != ids
    ]
    for start, end in spans:
        before = max((at + 1 for at in digits if at < start), default=start)
        behind = min((at for at in digits if at >= end), default=end)
        # Where nothing lies between them, the other digit is of another kind and has a token of its own.
        assert before == start or made.encode(text[:before] + text[start:]).ids != ids
        assert behind == end or made.encode(text[:end] + text[behind:]).ids != ids


@settings(max_examples=60)
@given(tokenizers(), st.text("0123456789", min_size=1, max_size=6), st.data())
def test_the_same_tokens_are_the_same_numbers(made, digits, data):
    """The same digits, parted in two ways."""
    gaps = st.lists(st.sampled_from(["", "", " ", ",", "\u200b", ", ", "-"]), min_size=6, max_size=6)
    texts = ["".join(map("".join, zip(digits, data.draw(gaps), strict=False))) for _ in range(2)]
    numbers = NumberTokenizer(wrapped(made))
    (first, one), (second, other) = (kept(numbers, text) for text in texts)
    first = first if np.array_equal(one.ids, other.ids) else {}
    for place, span in first.items():
        for place_of_other, span_of_other in second.items():
            if span.first <= span_of_other.last and span_of_other.first <= span.last:
                assert texts[0][slice(*place)] == texts[1][slice(*place_of_other)]
