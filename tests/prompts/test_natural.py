"""The built-in passages: enough of them, really distinct, with a vocabulary that a small model can learn."""

import re
from collections import Counter
from itertools import combinations

import pytest

from numprobe.prompts.natural import Passage, load_passages
from numprobe.prompts.similar import normalised, similar_groups

PASSAGES = load_passages()
DOMAINS = sorted({passage.domain for passage in PASSAGES})


def words(passage: Passage) -> list[str]:
    return re.findall("[a-z]+", passage.text.lower())


def split_of(domain: str, split: str) -> list[Passage]:
    return [passage for passage in PASSAGES if (passage.domain, passage.text_split) == (domain, split)]


def test_there_are_six_domains_and_ids_are_unique() -> None:
    assert len(DOMAINS) == 6
    assert len({passage.id for passage in PASSAGES}) == len(PASSAGES) >= 100


@pytest.mark.parametrize("domain", DOMAINS)
def test_each_domain_is_large_enough_and_has_about_thirty_percent_test_texts(domain: str) -> None:
    train, test = split_of(domain, "train"), split_of(domain, "test")
    assert len(train) + len(test) >= 16
    assert 0.25 <= len(test) / (len(train) + len(test)) <= 0.35


@pytest.mark.parametrize("domain", DOMAINS)
def test_training_passages_know_nearly_all_words_of_the_test_passages(domain: str) -> None:
    vocabulary = {word for passage in PASSAGES if passage.text_split == "train" for word in words(passage)}
    held_out = [word for passage in split_of(domain, "test") for word in words(passage)]
    assert sum(word in vocabulary for word in held_out) / len(held_out) >= 0.9


def test_the_vocabulary_is_small() -> None:
    assert len({word for passage in PASSAGES for word in words(passage)}) <= 700


def test_every_passage_has_a_moderate_length_and_one_to_eight_plain_numbers() -> None:
    for passage in PASSAGES:
        numbers = re.findall(r"\d+", passage.text)
        assert 15 <= len(passage.text.split()) <= 70, passage.id
        assert 1 <= len(numbers) <= 8, passage.id
        assert all(number == str(int(number)) and int(number) <= 999 for number in numbers), passage.id


def test_texts_are_ascii_but_for_currency_signs() -> None:
    assert {character for passage in PASSAGES for character in passage.text if not character.isascii()} <= set("€£")


def test_the_code_passages_glue_numbers_to_letters_and_signs() -> None:
    codes = " ".join(passage.text for passage in PASSAGES if passage.domain == "codes")
    assert len(re.findall(r"[A-Za-z]\d", codes)) > 40
    assert len(re.findall(r"\d[A-Za-z]", codes)) > 20


def test_no_two_passages_are_variants_of_one_another() -> None:
    texts = [passage.text for passage in PASSAGES]
    assert len(set(similar_groups(texts).tolist())) == len(texts)


def test_no_sentence_occurs_twice() -> None:
    sentences = [normalised(part) for passage in PASSAGES for part in re.split(r"(?<=[.!?])\s+", passage.text)]
    assert [sentence for sentence, count in Counter(sentences).items() if count > 1] == []


def test_passages_share_few_runs_of_three_words() -> None:
    def runs(passage: Passage) -> set[tuple[str, ...]]:
        tokens = re.findall("[a-z]+|0", normalised(passage.text))
        return {tuple(tokens[start : start + 3]) for start in range(len(tokens) - 2)}

    sets = [runs(passage) for passage in PASSAGES]
    assert max(len(one & other) / len(one | other) for one, other in combinations(sets, 2)) < 0.25
