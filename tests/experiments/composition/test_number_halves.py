"""Halves of the prompts: even, disjoint, blind to the states; means without what operations have in common."""

import numpy as np
import pytest

from measure.fakes import write_folder
from numprobe.errors import NumprobeError
from numprobe.experiments.composition.number_halves import divide_prompts, number_halves


def test_rows_of_a_number_are_spread_evenly():
    values = np.repeat(np.arange(50), 7)
    half = divide_prompts(values, np.arange(len(values)), 0)
    assert set(np.bincount(values, half)) <= {3, 4}
    np.testing.assert_array_equal(half, divide_prompts(values, np.arange(len(values)), 0))
    assert (half != divide_prompts(values, np.arange(len(values)), 1)).any()


def test_a_prompt_lies_in_one_half():
    rng = np.random.default_rng(0)
    values, prompts = rng.integers(0, 100, 3000), rng.integers(0, 300, 3000)
    half = divide_prompts(values, prompts, 0)
    assert all(len(set(half[prompts == prompt])) == 1 for prompt in np.unique(prompts))
    share = np.bincount(values, half) / np.bincount(values)
    assert abs(share - 0.5).mean() < 0.1


def test_means_are_those_of_the_rows_of_each_half(tmp_path):
    rng = np.random.default_rng(0)
    values = np.concatenate([np.repeat([30, 20], 4), [77]])
    seen = rng.standard_normal(len(values))
    halves = number_halves(write_folder(tmp_path, values, seen=seen), False, 3)
    half = divide_prompts(values, np.arange(len(values)), 3)
    assert halves.layers == ["0", "1"]
    np.testing.assert_array_equal(halves.numbers, [20, 30])
    np.testing.assert_array_equal(halves.rows, [4, 4])
    wanted = [[seen[(values == value) & (half == side)].mean() for value in (20, 30)] for side in (0, 1)]
    np.testing.assert_allclose(halves.read("0")[:, :, 0], wanted - seen.mean(), atol=1e-6)
    np.testing.assert_allclose(halves.read("1")[:, :, 0], 2 * (wanted - seen.mean()), atol=1e-6)


def test_what_an_operation_adds_is_no_part_of_a_number(tmp_path):
    """Even numbers are always quotients, odd ones sums: the states tell the operation alone."""
    values = np.repeat(np.arange(10, 50), 4)
    operation = np.where(values % 2, "+", "/")
    folder = write_folder(tmp_path, values, seen=5.0 * (values % 2) + 1, operation=operation)
    assert np.abs(number_halves(folder, False, 0).read("0")).max() < 1e-6


def test_what_the_first_operand_leaves_is_no_part_of_the_second(tmp_path):
    """States tell the digits of the first operand alone; before a result these would be the number's own."""
    rng = np.random.default_rng(0)
    values, first = np.repeat(np.arange(10, 60), 6), rng.integers(0, 200, 300)
    left = np.array([0, 3, 1, 7, 2, 9, 4, 4, 8, 6])[first % 10] + np.where(first > 99, 20.0, 0) + (first < 10)
    columns = {"a": first, "operation": "+"}
    at_token = number_halves(write_folder(tmp_path / "b", values, seen=left, read_at="token", **columns), False, 0)
    assert np.abs(at_token.read("0")).max() < 1e-6
    before = number_halves(write_folder(tmp_path / "c", values, seen=left, read_at="before", **columns), False, 0)
    assert np.abs(before.read("0")).max() > 1


def test_taking_out_what_is_known_adds_nothing_to_noise(tmp_path):
    """Noise beside 30 known columns: the halves still share nothing, on average of 60 draws."""
    shared = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = np.repeat(np.arange(10, 100), 3)
        noise = rng.standard_normal(len(values)) * 10
        columns = {"a": rng.integers(0, 1000, len(values)), "operation": "+", "read_at": "token"}
        halves = number_halves(write_folder(tmp_path, values, seen=noise, layers=("0",), **columns), False, seed)
        first, second = halves.read("0")[:, :, 0]
        shared.append((first @ second) / (first @ first + second @ second) * 2)
    assert abs(np.mean(shared)) < 3 * np.std(shared) / np.sqrt(60)


def test_bare_numbers_have_one_half_and_equal_states_are_none(tmp_path):
    folder = write_folder(tmp_path, np.arange(10, 40), seen=np.full(30, 2.0))
    halves = number_halves(folder, True, 0)
    assert halves.halves == 1 and halves.read("0") is None
    assert len(number_halves(folder, False, 0).numbers) == 0


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(NumprobeError, match="manifest"):
        number_halves(tmp_path, False, 0)
