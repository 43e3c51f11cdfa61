import numpy as np
import pytest

from numprobe.experiments.sample_efficiency.fits import Reading
from numprobe.experiments.sample_efficiency.summary import EXTRA, ORDERS, measurement_rows, order_interval
from numprobe.intervals import EXACT, exact_bounds
from numprobe.tables import measurements

VALUES = np.arange(50)


def reading(metric, scores, probe="digits", control="none", values=VALUES):
    return Reading(probe, control, metric, 32, 1, values, np.asarray(scores))


def test_the_mean_weighs_orders_and_numbers_alike():
    values = np.array([1, 1, 1, 2])
    interval = order_interval([(values, np.array([1, 1, 1, 0])), (np.array([3]), np.array([1.0]))], 200, 0)
    assert interval.value == pytest.approx(0.75)
    assert (interval.n_values, interval.n_prompts, interval.resampled) == (3, 5, ORDERS)


def test_orders_that_differ_widen_the_interval():
    half = np.tile([0.0, 1.0], 25)
    alike = order_interval([(VALUES, half)] * 4, 500, 0)
    apart = order_interval([(VALUES, np.full(50, share)) for share in (0.0, 1.0, 0.0, 1.0)], 500, 0)
    assert alike.value == apart.value == 0.5
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_shares_of_all_or_nothing_have_the_exact_interval():
    interval = order_interval([(VALUES, np.zeros(50))] * 2, 100, 0, shares=True)
    assert (interval.resampled, interval.low, interval.high) == (EXACT, *exact_bounds(0, 50))
    assert order_interval([(VALUES, np.zeros(50))] * 2, 100, 0).high == 0


def test_every_metric_has_a_row_over_all_orders_and_the_main_ones_one_per_order():
    orders = [[reading("accuracy", VALUES % 2), reading("bits", VALUES / 10), reading("code_length", VALUES / 10)]] * 3
    table = measurements(measurement_rows(orders, 1000, 100, 0), EXTRA)
    joint = table.filter(table["fold"].is_null())
    assert joint["metric"].to_list() == ["accuracy", "bits", "code_length", "compression"]
    assert table.filter(table["fold"].is_not_null())["metric"].value_counts().sort("metric").rows() == [
        ("accuracy", 3),
        ("code_length", 3),
    ]
    bits, ratio = joint.row(2, named=True), joint.row(3, named=True)
    assert ratio["value"] == pytest.approx(np.log2(1000) / bits["value"])
    assert ratio["ci_low"] == pytest.approx(np.log2(1000) / bits["ci_high"])


def test_rivals_are_compared_with_the_leading_probe_on_the_same_numbers():
    noise = np.tile([0.0, 1.0], 25)
    of_order = [
        reading("accuracy", noise, "fourier"),
        reading("accuracy", np.zeros(50)),
        reading("code_length", 5 + noise),
    ]
    of_order += [reading("code_length", 3 + noise, "fourier"), reading("accuracy", noise, control="shuffled")]
    rows = measurement_rows([of_order] * 2, 1000, 100, 0)
    found = {row["metric"]: row for row in rows if row["metric"] in ("accuracy_lead", "bits_saved")}
    assert found["accuracy_lead"]["value"] == 0.5 and found["accuracy_lead"]["probe"] == "digits"
    saved = found["bits_saved"]
    assert (saved["value"], saved["ci_low"], saved["ci_high"]) == (2, 2, 2)
    assert len([row for row in rows if row["metric"] == "accuracy_lead"]) == 1


def test_a_single_order_is_marked():
    rows = measurement_rows([[reading("accuracy", VALUES % 2)]], 1000, 100, 0)
    assert [row["note"] for row in rows] == ["one order"]
