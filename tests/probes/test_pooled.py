"""Statistics of many states as those of one pool: exactly what pooling the rows themselves would give."""

import numpy as np
import pytest

from numprobe.errors import NumprobeError
from numprobe.probes.dataset import training_rows
from numprobe.probes.pooled import Pool, Standard, leaving_one_out, normalised, spread, weighted
from numprobe.probes.statistics import Statistics, accumulate

from .planted import split_of, write_folder

SPLIT = split_of(99, 4, 2)
VALUES = np.repeat(np.arange(100), 2)
TRAIN = SPLIT.folds[0].train


def states(seed, scale=1.0, shift=0.0, rows=200):
    return scale * np.random.default_rng(seed).standard_normal((rows, 5)) + shift


def same(first, second):
    for name in ("gram", "value_sum", "value_count"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-9, atol=1e-9)


def test_normalising_the_sums_is_normalising_the_rows():
    rows, standard = states(0, 3.0, 5.0), Standard(np.arange(5.0), 2.5)
    expected = accumulate((rows - standard.mean) / standard.scale, VALUES, SPLIT)
    same(normalised(accumulate(rows, VALUES, SPLIT), SPLIT, standard), expected)


def test_a_weight_of_two_is_every_row_twice():
    rows = states(1)
    twice = accumulate(np.vstack([rows, rows]), np.concatenate([VALUES, VALUES]), SPLIT)
    same(weighted(accumulate(rows, VALUES, SPLIT), 2), twice)


def test_mean_and_scale_are_those_of_the_training_values():
    rows = states(2, 4.0, -1.0)
    chosen = rows[np.isin(SPLIT.block_of(VALUES), TRAIN)]
    standard = spread(accumulate(rows, VALUES, SPLIT), SPLIT, TRAIN).standard
    np.testing.assert_allclose(standard.mean, chosen.mean(axis=0))
    assert standard.scale == pytest.approx(np.sqrt(chosen.var(axis=0).mean()))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_leaving_one_out_is_the_sum_of_the_others(count):
    parts = [accumulate(states(seed), VALUES, SPLIT) for seed in range(count)]
    loaded = []

    def load(index: int) -> Statistics:
        loaded.append(index)
        return parts[index]

    found = dict(leaving_one_out(range(count), load))
    assert sorted(found) == list(range(count))
    for index, total in found.items():
        others = [part for other, part in enumerate(parts) if other != index]
        expected = others[0]
        for part in others[1:]:
            expected = expected + part
        same(total, expected)
    assert len(loaded) <= count * np.ceil(np.log2(count))


def test_one_layer_has_no_others():
    with pytest.raises(NumprobeError, match="at least two layers"):
        list(leaving_one_out(["0"], lambda layer: None))


@pytest.fixture
def pool(tmp_path):
    folders = {
        "few": write_folder(tmp_path / "few", {"0": states(3), "1": states(4, 9.0, 2.0)}, VALUES),
        "many": write_folder(
            tmp_path / "many",
            {"0": states(5, 2.0, 1.0, 600), "1": states(6, 1.0, 0.0, 600)},
            np.repeat(np.arange(100), 6),
        ),
    }
    return Pool({name: training_rows(folder, SPLIT) for name, folder in folders.items()}, SPLIT)


def test_contexts_weigh_alike_however_many_rows_they_have(pool):
    counts = [pool.statistics("0", context).value_count.sum() for context in ("few", "many")]
    assert counts[0] == pytest.approx(counts[1])
    layer = pool.standards(TRAIN, "layer")["0", "few"]
    own = pool.standards(TRAIN, "layer_context")
    np.testing.assert_allclose(layer.mean, (own["0", "few"].mean + own["0", "many"].mean) / 2, atol=1e-2)


def test_per_layer_and_context_every_state_has_mean_0_and_scale_1(pool):
    load = pool.loader(pool.standards(TRAIN, "layer_context"))
    for layer in pool.layers:
        standard = spread(load(layer), SPLIT, TRAIN).standard
        np.testing.assert_allclose(standard.mean, 0, atol=1e-9)
        assert standard.scale == pytest.approx(1)


def test_without_normalisation_the_states_stay_as_they_are(pool):
    assert pool.standards(TRAIN, "none") is None
    same(pool.loader(None)("1"), pool.statistics("1", "few") + pool.statistics("1", "many"))


def test_an_unknown_normalisation_is_named(pool):
    with pytest.raises(NumprobeError, match="no normalisation 'batch': choose from none, layer, layer_context"):
        pool.standards(TRAIN, "batch")


def test_a_layer_of_equal_states_is_left_out(tmp_path):
    folder = write_folder(tmp_path, {"0": np.ones((200, 5)), "1": states(7)}, VALUES)
    pool = Pool({"number": training_rows(folder, SPLIT)}, SPLIT)
    assert (pool.layers, pool.constant) == (("1",), ("0",))
