"""Fourier power of states along the numbers: identities and known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from numprobe.measure.spectra import power, power_share, principal_coordinates, rotation_band, shuffled_band

NUMBERS = np.arange(60)
RANDOM = np.random.default_rng(0).standard_normal((60, 7))


def between_class_scatter(states, classes):
    """Trace of the sum over classes of n_c (m_c - m)(m_c - m)'."""
    mean = states.mean(axis=0)
    return sum(
        (classes == c).sum() * ((states[classes == c].mean(axis=0) - mean) ** 2).sum() for c in np.unique(classes)
    )


@pytest.mark.parametrize("period", [2, 3, 4, 5, 6, 10, 12, 30])
def test_power_at_a_period_is_the_scatter_between_residues(period):
    """The power at all multiples of N/T equals N times the trace of the between-class scatter of n mod T."""
    frequency = 60 // period
    at_period = power(RANDOM)[frequency - 1 :: frequency].sum()
    assert at_period == pytest.approx(60 * between_class_scatter(RANDOM, NUMBERS % period))


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 1000))
def test_all_power_is_the_variance(rows, width, seed):
    """Parseval, for even and odd N."""
    states = np.random.default_rng(seed).standard_normal((rows, width)) + 5
    assert power(states).sum() == pytest.approx(rows * ((states - states.mean(axis=0)) ** 2).sum())
    assert len(power(states)) == rows // 2


def test_a_pure_wave_has_all_its_power_at_its_frequency():
    wave = np.column_stack([np.sin(2 * np.pi * 6 * NUMBERS / 60), np.cos(2 * np.pi * 6 * NUMBERS / 60)])
    share = power_share(wave)
    assert share[5] == pytest.approx(1)
    assert share.sum() == pytest.approx(1)


def test_parity_is_the_last_frequency():
    assert power_share((-1.0) ** NUMBERS[:, None])[-1] == pytest.approx(1)


def test_shares_do_not_depend_on_basis_scale_or_origin():
    rotation = ortho_group.rvs(7, random_state=0)
    assert power_share(3 * RANDOM @ rotation + 100) == pytest.approx(power_share(RANDOM))


def test_principal_coordinates_keep_all_distances():
    wide = np.random.default_rng(0).standard_normal((20, 50))
    axes = principal_coordinates(wide)
    assert axes.shape == (20, 19)
    centred = wide - wide.mean(axis=0)
    assert axes @ axes.T == pytest.approx(centred @ centred.T)
    assert power_share(axes) == pytest.approx(power_share(wide))


def test_the_null_band_of_noise_holds_its_spectrum():
    band = shuffled_band(RANDOM, 0)
    # Every frequency but the last has two of N - 1 degrees of freedom.
    assert band.centre[:-1] == pytest.approx(2 / 59, rel=0.25)
    assert band.centre[-1] == pytest.approx(1 / 59, rel=0.3)
    inside = (band.low <= power_share(RANDOM)) & (power_share(RANDOM) <= band.high)
    assert inside.mean() >= 0.8


def test_a_wave_in_noise_stands_out_of_the_null_band():
    states = RANDOM.copy()
    states[:, 0] += 3 * np.sin(2 * np.pi * NUMBERS / 10)
    band = shuffled_band(states, 0)
    assert np.flatnonzero(power_share(states) > 2 * band.high).tolist() == [5]


def test_the_rotation_band_holds_the_measured_share():
    band = rotation_band(RANDOM, 0)
    assert (band.low <= band.centre).all()
    assert (band.centre <= band.high).all()
    assert band.centre == pytest.approx(power_share(RANDOM))


def test_more_dimensions_make_the_rotation_band_narrower():
    few, many = (np.random.default_rng(1).standard_normal((200, width)) for width in (4, 100))
    widths = [np.mean(band.high - band.low) for band in (rotation_band(few, 0), rotation_band(many, 0))]
    assert widths[1] < widths[0] / 3


def test_bands_are_reproducible():
    for band in (shuffled_band, rotation_band):
        assert np.array_equal(band(RANDOM, 0).low, band(RANDOM, 0).low)
        assert not np.array_equal(band(RANDOM, 0).low, band(RANDOM, 1).low)
