import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from numprobe.digits import digit_at, has_place, place_name, places


@given(st.integers(0, 10**9))
def test_the_digits_are_those_of_the_numeral(number):
    numeral = str(number)
    assert list(places(number)) == list(range(len(numeral)))
    found = [int(digit_at(np.array(number), place)) for place in reversed(places(number))]
    assert "".join(map(str, found)) == numeral


def test_a_number_has_no_digit_beyond_its_first():
    numbers = np.array([0, 9, 10, 99, 100])
    assert has_place(numbers, 0).all()
    assert has_place(numbers, 1).tolist() == [False, False, True, True, True]
    assert digit_at(numbers, 2).tolist() == [-1, -1, -1, -1, 1]


def test_places_have_names():
    assert [place_name(place) for place in range(5)] == ["units", "tens", "hundreds", "10^3", "10^4"]
