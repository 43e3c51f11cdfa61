import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

from numprobe.experiments.ablation.ablated_probe import HeldOut, Removals, ablated_probe_rows, without
from numprobe.experiments.ablation.directions import ABLATION
from numprobe.interventions.directions import random_basis
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.probes.statistics import accumulate
from numprobe.tables import measurements
from probes.planted import split_of, write_folder

SPLIT = split_of(maximum=99, folds=5)
VALUES = np.repeat(SPLIT.values, 4)
FRAME = np.linalg.qr(np.random.default_rng(0).standard_normal((32, 32)))[0].T
#: Two sets of periods, each of which tells every number of 0..99.
ONE, OTHER = (2, 5, 10, 100), (4, 25, 20, 50)


def planes(periods):
    """The directions of FRAME that hold some periods, [width, 2 per period]."""
    start = 0 if periods == ONE else 2 * len(ONE)
    return FRAME[start : start + 2 * len(periods)].T


def planted(*sets):
    """States in which each set of periods stands in planes of its own."""
    states = 0.02 * np.random.default_rng(1).standard_normal((len(VALUES), 32))
    for periods in sets:
        angle = 2 * np.pi * VALUES[:, None] / np.array(periods)
        states += np.hstack([np.cos(angle), np.sin(angle)]) @ planes(periods).T
    return states


def held_out(states, fold=SPLIT.folds[0]):
    tested = np.isin(SPLIT.block_of(VALUES), fold.test)
    return HeldOut(accumulate(states, VALUES, SPLIT), SPLIT, fold, states[tested], VALUES[tested])


def test_statistics_without_a_subspace_are_those_of_the_projected_states():
    states, basis = planted(ONE), random_basis(32, 5, 0, "test")
    direct = accumulate(states - states @ basis @ basis.T, VALUES, SPLIT)
    found = without(accumulate(states, VALUES, SPLIT), basis)
    assert_allclose(found.gram, direct.gram, atol=1e-9)
    assert_allclose(found.value_sum, direct.value_sum, atol=1e-9)


def test_a_refitted_probe_reads_the_other_copy_and_nothing_when_both_are_gone():
    both = held_out(planted(ONE, OTHER))
    nothing = np.zeros((32, 0))
    assert both.refitted(nothing).mean() > 0.95
    assert both.refitted(planes(ONE)).mean() > 0.95
    assert both.refitted(planes(OTHER)).mean() > 0.95
    assert both.refitted(np.hstack([planes(ONE), planes(OTHER)])).mean() < 0.1
    assert held_out(planted(ONE)).refitted(planes(ONE)).mean() < 0.1


def test_where_nothing_is_left_nothing_is_read():
    assert not held_out(planted(ONE)).refitted(np.eye(32)).any()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("copies") / "states", {"1": planted(ONE, OTHER)}, VALUES)
    rows = training_rows(folder, SPLIT)
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probe = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    patterns = fit_patterns(rows, probe, SPLIT, "none", 0, {})
    removals = Removals(("1", "7"), (2, 15, 32), 2, 3)
    return measurements(ablated_probe_rows(rows, probe, patterns, SPLIT, removals, 0), ABLATION)


def test_what_goes_first_blinds_the_probe_before_it_blinds_a_new_one(table):
    def value(metric, subspace=None, rank=0):
        found = table.filter(pl.col("direction").eq_missing(pl.lit(subspace)), metric=metric, rank=rank)
        assert found.height == 1
        return found["value"][0]

    assert value("reads_before") > 0.95
    # The sine of period 2 is null: 15 directions hold both copies.
    for subspace in ("readout", "patterns"):
        assert value("reads_refitted", subspace, 2) > 0.9
        assert value("reads_fixed", subspace, 15) < 0.1
    # A read-out also avoids noise, so without it a part of the planes is left.
    assert value("reads_refitted", "patterns", 15) < 0.1 < value("reads_refitted", "readout", 15)
    assert value("reads_refitted", "random", 2) > 0.9
    assert value("reads_refitted", "random", 32) < 0.05
    assert value("reads_fixed", "random", 2) <= 1


def test_unknown_layers_and_ranks_are_left_out(table):
    assert table["layer"].unique().to_list() == ["1"]
    assert table.filter(direction="patterns")["rank"].max() == 15
    assert table.filter(control="random component")["direction"].unique().to_list() == ["random"]


def test_numbers_of_the_first_folds_are_read(table):
    tested = np.concatenate([SPLIT.values_in(fold.test) for fold in SPLIT.folds[:3]])
    assert table["n_values"].unique().to_list() == [len(tested)]
    assert table["n_prompts"].unique().to_list() == [4 * len(tested)]
