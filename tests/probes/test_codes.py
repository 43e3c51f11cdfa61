import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numprobe.errors import NumprobeError
from numprobe.probes.codes import CODES, fourier_frequencies, make_code


@given(st.integers(-50, 50), st.integers(1, 200))
def test_fourier_columns_are_orthogonal_not_null_and_span_all_centred_codes(minimum, more):
    matrix = make_code("fourier", minimum, minimum + more).matrix
    count = more + 1
    assert matrix.shape == (count, count - 1)
    gram = matrix.T @ matrix
    assert np.allclose(gram, np.diag(np.diag(gram)), atol=1e-9)
    assert (np.diag(gram) > 0.4 * count).all()
    assert np.allclose(matrix.sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("count", [10, 11])
def test_fourier_columns_have_the_frequencies_that_are_named(count):
    matrix = make_code("fourier", 0, count - 1).matrix
    power = np.abs(np.fft.rfft(matrix, axis=0)) ** 2
    assert (power.argmax(axis=0) == fourier_frequencies(count)).all()


def test_digits_and_bits_spell_the_number():
    digits = make_code("digits", 0, 999).matrix[407].reshape(3, 10)
    assert digits.argmax(axis=1).tolist() == [7, 0, 4] and digits.sum() == 3
    bits = make_code("binary", 0, 999).matrix
    assert bits.shape == (1000, 10)
    assert np.array_equal(bits @ 2 ** np.arange(10), np.arange(1000))


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("span", [(0, 999), (0, 49), (7, 23), (100, 120)])
def test_no_column_is_constant_and_codes_differ(kind, span):
    matrix = make_code(kind, *span).matrix
    assert (np.ptp(matrix, axis=0) > 1e-9).all()
    assert len(np.unique(matrix.round(9), axis=0)) == span[1] - span[0] + 1


def test_circles_turn_with_every_decimal_digit():
    code = make_code("circular", 0, 999)
    assert code.matrix.shape == (1000, 6) and not code.weighted
    angle = np.arctan2(code.matrix[407, 1::2], code.matrix[407, ::2])
    assert np.allclose(angle * 10 / (2 * np.pi) % 10, [7, 0, 4])


def test_the_nearest_circular_code_is_the_nearest_angle_in_every_place():
    code = make_code("circular", 0, 999).matrix
    predicted = np.random.default_rng(0).normal(size=(200, 6))
    nearest = ((predicted[:, None] - code) ** 2).sum(axis=2).argmin(axis=1)
    turn = np.arctan2(predicted[:, 1::2], predicted[:, ::2]) * 10 / (2 * np.pi)
    assert np.array_equal(nearest, np.rint(turn) % 10 @ [1, 10, 100])


def test_a_helix_is_a_line_and_waves_of_its_periods():
    code = make_code("helix", 0, 999)
    assert code.matrix.shape == (1000, 1 + 1 + 2 + 2 + 2) and code.weighted
    assert np.allclose(np.diff(code.matrix[:, 0], n=2), 0)
    power = np.abs(np.fft.rfft(code.matrix[:, 1:], axis=0)) ** 2
    assert (1000 / power.argmax(axis=0)).tolist() == [2, 5, 5, 10, 10, 100, 100]


def test_log_inverts_with_expm1():
    code = make_code("log", 0, 999)
    assert np.allclose(code.inverse(code.matrix[:, 0]), np.arange(1000), rtol=1e-13, atol=1e-12)
    assert code.inverse(np.zeros(1))[0] == 0


@pytest.mark.parametrize(
    ("kind", "span", "message"),
    [
        ("cubic", (0, 9), "no closed-form probe 'cubic': choose from fourier"),
        ("fourier", (5, 5), "at least two numbers"),
        ("log", (-3, 9), "'log' is defined for numbers from 0 on"),
        ("digits", (-3, 9), "'digits' is defined for numbers from 0 on"),
        ("circular", (-3, 9), "'circular' is defined for numbers from 0 on"),
    ],
)
def test_wrong_codes_are_refused(kind, span, message):
    with pytest.raises(NumprobeError, match=message):
        make_code(kind, *span)
