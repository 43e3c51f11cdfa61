import re

import numpy as np
import pytest

from numprobe.prompts.natural import Passage
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS
from numprobe.training.pairs import held_out
from numprobe.training.rows import compile_pattern, number_tokens, stack
from numprobe.training.sentences import ARITHMETIC, FACTS, all_texts, draw_fact
from numprobe.training.tasks import Curriculum, Passages, Progressions, Sentences, Symbols, TwoTokenSums, group_tokens
from numprobe.training.tokenizer import FIRST_NUMBER, PAD_ID, UNKNOWN, build_tokenizer, words_of

PASSAGES = [
    Passage("a-1", "a", "train", "The dose is 12mg, on day 3 of 1998."),
    Passage("a-2", "a", "train", "Code E11.9."),
]
TOKENIZER = build_tokenizer(words_of([*all_texts(), *(passage.text for passage in PASSAGES)]), 256)


def encode(text):
    return TOKENIZER.encode(text, add_special_tokens=False)


def random():
    return np.random.default_rng(0)


def texts(batch):
    return [TOKENIZER.decode(row[row != PAD_ID][1:]) for row in batch.tokens]


def scored_tokens(batch):
    return [TOKENIZER.convert_ids_to_tokens(row[mask]) for row, mask in zip(batch.tokens, batch.scored, strict=True)]


def numbers(text):
    return [int(number) for number in re.findall("[0-9]+", text)]


def test_a_pattern_is_filled_column_by_column():
    pattern = compile_pattern("{a} + {b} = {c}", encode)
    filled = pattern.fill(
        {name: number_tokens(np.array(values)) for name, values in zip("abc", [[1, 2], [3, 4], [4, 6]], strict=True)}
    )
    assert [TOKENIZER.decode(row[1:]) for row in filled] == ["1 + 3 = 4", "2 + 4 = 6"]
    assert pattern.scored(2, ("c",)).sum(1).tolist() == [1, 1]


def test_stacked_rows_are_padded_on_the_right_and_padding_is_not_scored():
    short, long = np.ones((1, 2), dtype=int), np.ones((2, 4), dtype=int)
    batch = stack([(short, short > 0), (long, long > 0)])
    assert batch.tokens.tolist() == [[1, 1, PAD_ID, PAD_ID], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert batch.scored.sum(1).tolist() == [2, 4, 4]


def test_symbol_rows_are_true_trained_and_end_in_the_scored_result():
    (batch,) = Symbols(encode, 999).draw(random(), 400)
    for text, scored in zip(texts(batch), scored_tokens(batch), strict=True):
        a, operation, b, c = re.fullmatch(r"(\d+) (.) (\d+) = (\d+)", text).groups()
        assert RESULTS[operation](int(a), int(b)) == int(c)
        assert not held_out(np.array(int(a)), np.array(int(b)))
        assert scored == [c]


def test_progressions_have_one_stride_and_stay_in_range():
    (batch,) = Progressions(encode, 120).draw(random(), 500)
    terms = batch.tokens[:, 1:] - FIRST_NUMBER
    assert terms.min() >= 0 and terms.max() <= 120
    assert np.all(np.diff(terms, n=2) == 0) and np.all(np.diff(terms) != 0)
    assert batch.scored.sum(1).tolist() == [5] * 500 and not batch.scored[:, :3].any()


@pytest.mark.parametrize("fact", ARITHMETIC.values(), ids=list(ARITHMETIC))
def test_sentences_of_an_operation_are_true(fact):
    operation = next(name for name, candidate in ARITHMETIC.items() if candidate is fact)
    batch = Sentences(encode, 999).of(fact, random(), 200, held=True)
    swapped = ("adding", "taking")
    for text, scored in zip(texts(batch), scored_tokens(batch), strict=True):
        a, b, c = numbers(text)
        a, b = (b, a) if text.startswith(swapped) else (a, b)
        assert RESULTS[operation](a, b) == c
        assert held_out(np.array(a), np.array(b))
        assert scored == [str(c)]


def test_every_wording_is_known_and_ends_in_its_answer():
    for fact in FACTS:
        for template in fact.templates:
            assert template.endswith("{c}")
            assert UNKNOWN not in TOKENIZER.convert_ids_to_tokens(encode(template.replace("{", "").replace("}", "")))


@pytest.mark.parametrize("maximum", [99, 437, 999])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.templates[0])
def test_facts_stay_in_range_and_off_the_held_out_pairs(fact, maximum):
    values = draw_fact(fact, random(), 500, maximum)
    assert not held_out(values["a"], values["b"]).any()
    shown = [values["c"], *(values[name] for name in "ab" if f"{{{name}}}" in fact.templates[0])]
    for column in shown:
        assert column.min() >= 0 and column.max() <= maximum


def test_words_answer_where_the_answer_is_a_word():
    for batch in Sentences(encode, 999).draw(random(), 3000):
        for text in texts(batch):
            if parity := re.fullmatch(r"the number (\d+) is (\w+)", text):
                assert parity[2] == ("even", "odd")[int(parity[1]) % 2]
            if order := re.fullmatch(r"comparing (\d+) with (\d+) , the larger is the (\w+)", text):
                assert order[3] == ("first" if int(order[1]) > int(order[2]) else "second")


def test_the_weights_of_short_and_long_sentences_add_up_to_one():
    batches = Sentences(encode, 999).draw(random(), 300)
    assert sum(len(batch.tokens) for batch in batches) == 300
    assert sum(batch.weight for batch in batches) == pytest.approx(1)


@pytest.mark.parametrize("held", [False, True])
def test_two_token_sums_are_true_numerals(held):
    (batch,) = TwoTokenSums(encode).draw(random(), 500, held)
    carries = 0
    for row, scored in zip(batch.tokens, scored_tokens(batch), strict=True):
        pieces = TOKENIZER.convert_ids_to_tokens(row)
        number, b, result = pieces[1] + pieces[2], pieces[4], pieces[6] + pieces[7]
        assert int(number) + int(b) == int(result)
        assert encode(f"{number} + {b} = {result}") == row[1:].tolist()
        assert scored == pieces[6:]
        carries += pieces[1] != pieces[6]
        if len(number) > 4:
            assert held_out(np.array(int(pieces[2])), np.array(int(b))) == held
    assert 150 < carries < 350


@pytest.mark.parametrize(("value", "digits"), [(5, 1), (5, 2), (5, 3), (45, 2), (45, 3), (678, 3)])
def test_groups_are_written_with_their_zeros(value, digits):
    (token,) = group_tokens(np.array([value]), np.array([digits]))
    assert TOKENIZER.convert_ids_to_tokens(int(token)) == str(value).zfill(digits)


def test_passages_keep_their_words_and_lose_their_numbers():
    (batch,) = Passages(PASSAGES, encode, 99, 256).draw(random(), 200)
    words = {re.sub("[0-9]+", "N", text) for text in texts(batch)}
    assert words == {"the dose is N mg , on day N of N .", "code e N . N ."}
    drawn = [number for text in texts(batch) for number in numbers(text)]
    assert min(drawn) >= 0 and max(drawn) <= 99 and len(set(drawn)) > 90
    assert not any(token.isdigit() for tokens in scored_tokens(batch) for token in tokens)
    assert {len(tokens) for tokens in scored_tokens(batch)} == {9, 4}


def test_long_passages_are_cut_at_the_models_length():
    (batch,) = Passages(PASSAGES, encode, 99, 5).draw(random(), 20)
    assert batch.tokens.shape == (20, 5)


def test_the_same_seed_draws_the_same_steps():
    def draw(seed):
        curriculum = Curriculum(PASSAGES, encode, 999, 256, scale=0.05)
        return [batch.tokens for step in curriculum.steps(np.random.default_rng(seed), 2) for batch in step]

    first, again, other = draw(1), draw(1), draw(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=False))


def test_the_symbol_form_stands_first():
    for operation, templates in ARITHMETIC_TEMPLATES.items():
        assert templates[0] == f"{{a}} {operation} {{b}} = {{c}}"
        assert len(templates) >= 4 and all(template.endswith("{c}") for template in templates)
