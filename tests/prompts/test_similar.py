"""Variants of a text, found by the sentences that they share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numprobe.prompts.similar import similar_groups

BASE = "Anna has 3 apples. She eats one. How many are left?"


@pytest.mark.parametrize(
    "variant",
    [
        "Anna has 99 apples. She eats one. How many are left?",
        "anna has 3  apples.\nShe eats one. How many are left?",
        "Anna has 3 apples. She gives 2 to Ben. How many are left?",
        "She eats one. Anna has 3 apples. How many are left?",
        "Anna has 3 apples. How many are left?",
        "Anna has 3 apples. She is glad. She eats one. How many are left?",
    ],
    ids=["numbers", "case and spacing", "one sentence reworded", "another order", "one left out", "one more"],
)
def test_a_variant_belongs_to_its_text(variant: str) -> None:
    groups = similar_groups([BASE, variant])
    assert groups[0] == groups[1]


@pytest.mark.parametrize(
    "other",
    [
        "Ben has 3 pears. She eats one. How many are there now?",
        "How many are left?",
        "Anna has 3.5 apples. She buys 4. How many are left?",
    ],
)
def test_texts_that_differ_in_two_sentences_are_not_variants(other: str) -> None:
    groups = similar_groups([BASE, other])
    assert groups[0] != groups[1]


def test_texts_of_one_sentence_are_variants_of_their_copies_only() -> None:
    groups = similar_groups(["12 eggs", "7 eggs", "7 apples"])
    assert groups[0] == groups[1] != groups[2]


def test_variants_of_variants_belong_together() -> None:
    groups = similar_groups(["A 1. B. C.", "A 1. B. X.", "A 1. Y. X.", "Q. Y. Z."])
    assert groups[0] == groups[1] == groups[2] != groups[3]


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4), min_size=1, max_size=12), st.randoms())
def test_groups_do_not_depend_on_the_order_of_the_texts(texts: list[list[str]], random) -> None:
    written = [" ".join(f"{sentence}." for sentence in text) for text in texts]
    order = list(range(len(written)))
    random.shuffle(order)
    first, second = similar_groups(written), similar_groups([written[place] for place in order])
    for i in range(len(order)):
        for j in range(i):
            assert (second[i] == second[j]) == (first[order[i]] == first[order[j]])
