import numpy as np
import pytest

from numprobe.answers.kinds import COPY_OF_EXAMPLE, KINDS, RIGHT, kinds_of, known_kinds


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (57, RIGHT),
        (31, "copy of a"),
        (26, "copy of b"),
        (47, "power of ten"),
        (58, "power of ten"),
        (157, "power of ten"),
        (77, "multiple of ten"),
        (54, "other number"),
        (-1, "no number"),
    ],
)
def test_every_number_has_its_kind(number, kind):
    (found,) = kinds_of(np.array([number]), np.array([57]), np.array([31]), np.array([26]))
    assert found == kind and kind in (RIGHT, *KINDS)


def test_the_first_kind_that_fits_counts():
    """A result that equals an operand is right; an operand that is off by ten is a copy."""
    a, b = np.array([5, 30]), np.array([0, 10])
    assert kinds_of(np.array([5, 30]), np.array([5, 40]), a, b).tolist() == [RIGHT, "copy of a"]


def test_an_examples_result_is_a_kind_of_its_own_after_the_copies_of_operands():
    numbers = np.array([31, 77, 47, 57, 54])
    found = kinds_of(numbers, np.full(5, 57), np.full(5, 31), np.full(5, 26), shown={31, 77, 47})
    assert found.tolist() == ["copy of a", COPY_OF_EXAMPLE, COPY_OF_EXAMPLE, RIGHT, "other number"]
    assert COPY_OF_EXAMPLE not in known_kinds() and known_kinds() == KINDS
    assert known_kinds({77}) == (*KINDS[:2], COPY_OF_EXAMPLE, *KINDS[2:])
