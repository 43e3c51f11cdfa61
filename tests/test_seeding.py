"""Seeds depend on every name and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from numprobe.seeding import derive_seed, generator

NAMES = st.lists(st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"])), max_size=4)


@given(st.integers(0, 2**31), NAMES)
def test_seeds_are_63_bit_and_stable(seed, names):
    assert 0 <= derive_seed(seed, *names) < 2**63
    assert derive_seed(seed, *names) == derive_seed(seed, *names)


@given(st.integers(0, 2**31), NAMES, NAMES)
def test_different_names_give_different_seeds(seed, one, other):
    assert (derive_seed(seed, *one) == derive_seed(seed, *other)) == (one == other)


def test_the_seed_counts():
    assert len({derive_seed(seed, "weights", "llama") for seed in range(1000)}) == 1000


def test_names_do_not_run_together():
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert derive_seed(1, "2") != derive_seed(12)


def test_the_scheme_is_pinned():
    """Splits and weights of published studies depend on it."""
    assert derive_seed(0, "value", 42) == 8579043139587570870
    assert generator(0, "a").integers(1000, size=3).tolist() == [749, 165, 100]


def test_generators_do_not_depend_on_what_was_drawn_before():
    first = generator(0, "a").random()
    generator(0, "b").random(100)
    assert generator(0, "a").random() == first != generator(0, "b").random()
