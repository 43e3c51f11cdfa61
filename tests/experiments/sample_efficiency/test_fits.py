import numpy as np
import pytest
from tests.experiments.sample_efficiency.planted import (
    KINDS,
    SIZES,
    VALUES,
    line_sample,
    mean,
    order_of,
    random_sample,
    readings_of,
    sample_of,
    wave_sample,
)  # fmt: skip

from numprobe.experiments.sample_efficiency.fits import measure_order
from numprobe.probes.closed_form import fit_layer

UNIFORM = np.log2(100)


@pytest.fixture(scope="module")
def of_waves():
    return [readings_of(wave_sample(), index) for index in range(3)]


def test_planted_waves_are_read_after_few_numbers_and_never_by_a_line(of_waves):
    for readings in of_waves:
        fourier, linear = mean(readings, "accuracy", "fourier"), mean(readings, "accuracy", "linear")
        assert fourier[2] == fourier[3] == 1.0
        assert max(linear) < 0.2


def test_a_perfect_reader_pays_for_the_first_numbers_alone(of_waves):
    for readings in of_waves:
        blocks = mean(readings, "block_bits", "fourier")
        assert blocks[-1] < 0.1
        assert mean(readings, "code_length", "fourier")[0] < 0.6 * UNIFORM
        assert mean(readings, "bits", "fourier")[-1] < 0.1


def test_a_planted_line_makes_the_code_of_linear_short():
    readings = readings_of(line_sample())
    assert mean(readings, "accuracy", "linear")[-1] == 1.0
    assert mean(readings, "block_bits", "linear")[-1] < 0.2
    assert mean(readings, "code_length", "fourier")[0] > 3 * mean(readings, "code_length", "linear")[0]


@pytest.mark.parametrize("probe", ["fourier", "digits", "linear"])
def test_random_states_cost_as_much_as_the_uniform_code(probe):
    readings = [reading for index in range(3) for reading in readings_of(random_sample(), index)]
    assert np.mean(mean(readings, "accuracy", probe)) < 0.04
    assert np.mean(mean(readings, "code_length", probe)) == pytest.approx(UNIFORM, abs=0.5)


@pytest.mark.parametrize("probe", KINDS)
def test_shuffled_numbers_cost_as_much_as_the_uniform_code(of_waves, probe):
    readings = [reading for part in of_waves for reading in part]
    assert np.mean(mean(readings, "accuracy", probe, "shuffled")) < 0.04
    assert np.mean(mean(readings, "code_length", probe, "shuffled")) == pytest.approx(UNIFORM, abs=0.5)


def test_the_code_length_is_the_sum_over_the_blocks(of_waves):
    for probe in KINDS:
        blocks = [
            r.scores.sum() for r in of_waves[0] if (r.metric, r.probe, r.control) == ("block_bits", probe, "none")
        ]
        (total,) = [r for r in of_waves[0] if (r.metric, r.probe, r.control) == ("code_length", probe, "none")]
        assert total.scores.sum() == pytest.approx(SIZES[0] * UNIFORM + sum(blocks))
        assert sorted(total.values) == sorted(order_of().values)


def test_the_order_of_the_numbers_hardly_matters_in_the_end(of_waves):
    lengths = [mean(readings, "code_length", "fourier")[0] for readings in of_waves]
    assert np.ptp(lengths) < 0.25 * UNIFORM


def test_held_out_numbers_do_not_influence_the_fits():
    sample, order = wave_sample(noise=0.3), order_of()
    changed = sample.states.copy()
    changed[order.test] *= -3
    before, after = (measure_order(s, order, KINDS, (1,), 0) for s in (sample, sample_of(changed)))
    for one, other in zip(before, after, strict=True):
        if one.metric in ("block_bits", "code_length"):
            assert np.array_equal(one.scores, other.scores)


def test_statistics_of_nested_sets_give_the_fit_of_the_set_alone():
    sample, order = wave_sample(noise=0.3), order_of()
    from numprobe.experiments.sample_efficiency.data import make_data
    from numprobe.probes.closed_form import make_target
    from numprobe.probes.codes import make_code
    from numprobe.probes.statistics import accumulate

    target = make_target(make_code("digits", 0, 99), VALUES, 0)
    alone = np.isin(sample.values, order.values[:16])
    nested = make_data(sample, order, 0).statistics(1)
    apart = accumulate(sample.states[alone], sample.values[alone], order.split)
    fits = [fit_layer(s, order.split, [target], [order.fold(16)])[0]["16"] for s in (nested, apart)]
    assert all(np.array_equal(fits[0][name], fits[1][name]) for name in fits[0])


def test_more_prompts_of_a_number_help_and_fewer_are_a_fit_of_their_own():
    values = np.tile(VALUES, 4)
    readings = readings_of(wave_sample(noise=0.4, values=values), prompts=(1, 4, 8))
    at = {r.train_prompts: r.scores.mean() for r in readings
          if (r.metric, r.probe, r.control, r.train_values) == ("accuracy", "fourier", "none", SIZES[-1])}  # fmt: skip
    assert set(at) == {1, 4} and at[4] > at[1]


def test_constant_states_give_no_reading():
    assert readings_of(sample_of(np.ones((100, 12)))) == []
