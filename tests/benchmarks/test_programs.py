"""What the benchmarks compare is what they say: known answers, and equality with the library."""

import numpy as np
import pytest
from check_config import check_config
from sklearn.linear_model import Ridge

from _planted import SPLIT, planted_states
from fitting import PLAIN, SHUFFLED, closed_accuracy, ridge, with_control
from gpu_fitting import ON_GPU, PUBLISHED, measure, table
from numprobe.probes.codes import make_code
from numprobe.probes.moments import make_moments
from numprobe.probes.statistics import accumulate
from streaming import growth, line
from workflow_cost import LOADING, MODEL, PROGRAMS, PYTHON, jobs, large_study, start_share, tiny_study


def test_planted_states_are_read_and_noise_is_not():
    states, values = planted_states(3000, 48, noise=0.3)
    assert closed_accuracy(states, values) > 0.99
    assert closed_accuracy(np.random.default_rng(0).standard_normal(states.shape), values) < 0.03


def test_the_table_of_fits_on_a_gpu():
    """Without a GPU torch runs on the CPU."""
    times = measure(1, "cpu", rows=2000, width=8, steps=2)
    rows = table(times, {PUBLISHED: 0.5})
    assert [row["case"] for row in rows] == list(times)
    assert rows[0]["case"] == ON_GPU and rows[0]["ratio"] == "1 (1 to 1)"
    assert [row["held-out accuracy"] for row in rows] == ["", "", "0.5000", ""]


def test_a_fit_is_timed_without_and_with_the_control():
    assert {name: len(seconds) for name, seconds in with_control(1, rows=1000, width=4).items()} == {
        PLAIN: 1,
        SHUFFLED: 1,
    }


def test_every_number_has_as_many_planted_rows():
    states, values = planted_states(3000, 8)
    assert states.dtype == np.float32
    assert set(np.bincount(values)) == {3}


def test_ridge_from_sums_is_ridge_on_rows():
    states, values = planted_states(3000, 12)
    code = make_code("digits", 0, 999).matrix
    fold = SPLIT.folds[0]
    weights = ridge(make_moments(accumulate(states, values, SPLIT), code, SPLIT), fold.train, 0.1)
    rows = np.isin(SPLIT.block_of(values), fold.train)
    centred = states[rows] - states[rows].mean(axis=0, dtype=np.float64)
    expected = Ridge(0.1 * (centred**2).sum() / 12).fit(states[rows].astype(np.float64), code[values[rows]]).coef_.T
    np.testing.assert_allclose(weights, expected, atol=1e-5 * np.abs(expected).max())


def test_a_straight_line_has_fixed_cost_and_slope():
    measured = {("fit", "prompts", n): [(3 + 2 * n, 100)] for n in (1, 3, 10)}
    assert line(measured, "fit", "prompts") == pytest.approx((3, 2))
    assert growth(measured, "fit", "prompts", 0).median == pytest.approx(23 / 5)
    assert growth(measured, "fit", "prompts", 1).median == 1


@pytest.mark.parametrize("study", [large_study(2), tiny_study()], ids=["large", "tiny"])
def test_studies_of_the_workflow_are_complete(study):
    check_config(study)


def test_jobs_of_a_dry_run_are_counted():
    assert jobs("Job stats:\njob    count\nall    1\ntotal    384\n") == 384
    assert jobs("Nothing to be done") == 0


def test_the_share_of_starts_counts_models_where_they_are_loaded(tmp_path):
    starting = {key: [1.0] for key in PROGRAMS} | {MODEL: [3.0], PYTHON: [0.1]}
    for rule, seconds in (("fit_probes", 5.0), (f"{LOADING[0]}activations", 10.0), ("plot", 0.5)):
        file = tmp_path / "benchmarks" / rule / "a.tsv"
        file.parent.mkdir(parents=True)
        file.write_text(f"s\th:m:s\n{seconds}\t0:00:05\n")
    total, lost = start_share(tmp_path, starting)
    assert total == pytest.approx(15.5)
    # No start takes longer than its job.
    assert lost == pytest.approx(1 + 4 + 0.5)
