import numpy as np
import pytest

from numprobe.experiments.sample_efficiency.fits import Reading
from numprobe.experiments.sample_efficiency.summary import (
    EXTRA,
    ORDERS,
    ORDERS_ON_LOGITS,
    ORDERS_ON_LOGS,
    measurement_rows,
    order_interval,
)
from numprobe.intervals import accuracy_interval
from numprobe.tables import measurements

VALUES = np.arange(50)


def reading(metric, scores, probe="digits", control="none", values=VALUES):
    return Reading(probe, control, metric, 32, 1, values, np.asarray(scores))


def test_the_mean_weighs_orders_and_numbers_alike():
    first = reading("accuracy", [1, 1, 1, 0], values=np.array([1, 1, 1, 2]))
    interval = order_interval([first, reading("accuracy", [1.0], values=np.array([3]))], 200, 0)
    assert interval.value == pytest.approx(0.75)
    assert (interval.n_values, interval.n_prompts, interval.resampled) == (3, 5, ORDERS_ON_LOGITS)


# The half width of the interval of three orders that lie 1 apart: the 97.5 % quantile of t with 2 degrees of freedom.
HALF = 4.302653 / np.sqrt(3)


def test_the_interval_of_differences_is_student_s_over_orders():
    found = order_interval([reading("bits_saved", np.full(50, bits)) for bits in (-1.0, 0.0, 1.0)], 100, 0)
    assert (found.value, found.resampled) == (0, ORDERS)
    assert (found.low, found.high) == pytest.approx((-HALF, HALF), rel=1e-6)
    far = order_interval([reading("accuracy_lead", np.full(50, lead)) for lead in (-1.0, 1.0)], 100, 0)
    assert (far.low, far.high) == (-1, 1)


def test_bits_are_never_negative():
    found = order_interval([reading("bits", np.full(50, bits)) for bits in np.exp([-1.0, 0.0, 1.0])], 100, 0)
    assert (found.low, found.high) == pytest.approx((np.exp(-HALF), np.exp(HALF)), rel=1e-6)
    assert found.low < found.value < found.high and found.resampled == ORDERS_ON_LOGS


def test_orders_that_differ_widen_the_interval():
    shares = [np.arange(50) < right for right in (20, 25, 30)]
    alike = order_interval([reading("accuracy", shares[1])] * 3, 500, 0)
    apart = order_interval([reading("accuracy", share) for share in shares], 500, 0)
    assert [alike.value, apart.value] == pytest.approx([0.5, 0.5])
    assert apart.high - apart.low > alike.high - alike.low > 0.1
    assert 0 < apart.low < 0.4 and 0.6 < apart.high < 1


def test_orders_that_agree_have_the_interval_over_their_numbers():
    none = order_interval([reading("accuracy", np.zeros(50))] * 2, 100, 0)
    assert none == accuracy_interval(np.tile(VALUES, 2), np.zeros(100)) and none.low == 0 < none.high
    lead = order_interval([reading("accuracy_lead", np.zeros(50))] * 2, 100, 0)
    assert lead.value == 0 and lead.low < 0 < lead.high


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
