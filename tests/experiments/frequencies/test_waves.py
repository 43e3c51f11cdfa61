"""Spectra of planted waves, identities, and nulls."""

import numpy as np
import pytest

from numprobe.experiments.frequencies.waves import (
    consecutive,
    half_power,
    measured_waves,
    overlap,
    participation,
    permuted_waves,
    published_spectrum,
    rotated_waves,
    strongest,
)
from numprobe.measure.spectra import MODULI

N = 100


def waves(periods, seed=0, width=12, noise=0.0, count=N):
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.outer(np.arange(count), 1 / np.asarray(periods, dtype=float))
    codes = np.hstack([np.sin(angles), np.cos(angles)])
    return codes @ rng.standard_normal((codes.shape[1], width)) + noise * rng.standard_normal((count, width))


@pytest.mark.parametrize("modulus", MODULI)
def test_power_of_periods_that_divide_t_is_the_scatter_between_the_classes(modulus):
    states = np.random.default_rng(0).standard_normal((N, 6))
    found = measured_waves(states)
    frequencies = [k for k in range(1, N // 2 + 1) if k * modulus % N == 0]
    centred = states - states.mean(axis=0)
    means = np.array([centred[rest::modulus].mean(axis=0) for rest in range(modulus)])
    between = N / modulus * (means**2).sum() / (centred**2).sum()
    assert found.shares[0, np.array(frequencies) - 1].sum() == pytest.approx(between, rel=1e-5)
    assert found.between[0, MODULI.index(modulus)] == pytest.approx(between, rel=1e-5)


def test_classes_of_unequal_size_are_weighed_by_their_size():
    states = np.random.default_rng(1).standard_normal((103, 4))
    centred = states - states.mean(axis=0)
    parts = [centred[rest::10] for rest in range(10)]
    between = sum(len(part) * (part.mean(axis=0) ** 2).sum() for part in parts) / (centred**2).sum()
    assert measured_waves(states).between[0, 2] == pytest.approx(between, rel=1e-5)


def test_few_waves_are_sparse_and_noise_is_not():
    few, noise = (
        measured_waves(part).shares for part in (waves([10, 50]), np.random.default_rng(0).standard_normal((N, 64)))
    )
    assert participation(few)[0] * (N // 2) == pytest.approx(2, abs=0.7)
    assert half_power(few)[0] * (N // 2) <= 2
    assert participation(noise)[0] > 0.85
    assert half_power(noise)[0] > 0.35


def test_the_null_removes_waves_and_the_interval_holds_the_measurement():
    states = waves([10, 50], noise=0.5)
    value = participation(measured_waves(states).shares)[0]
    null = participation(permuted_waves(states, 0, 50).shares)
    low, high = np.quantile(participation(rotated_waves(states, 0).shares), (0.025, 0.975))
    assert value < null.min() / 2
    assert low < value < high


def test_the_published_spectrum_peaks_where_waves_are():
    spectrum = published_spectrum(waves([10, 4], noise=0.1), 5)
    assert sorted((np.argsort(spectrum)[-2:] + 1).tolist()) == [10, 25]


def test_models_with_the_same_waves_overlap_and_others_do_not():
    sets = [
        strongest(measured_waves(waves(p, seed=s)).shares[0], 2) for s, p in enumerate([(10, 50), (10, 50), (4, 20)])
    ]
    assert overlap(sets[0], sets[1]) == 1
    assert overlap(sets[0], sets[2]) == 0
    assert overlap(np.array([[True, True, False]]), np.array([[False, True, True]])).tolist() == [pytest.approx(1 / 3)]


def test_consecutive_numbers():
    assert consecutive({3, 1, 2, 7}).tolist() == [1, 2, 3]
    assert consecutive([]).tolist() == []
