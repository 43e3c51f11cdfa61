"""What one probe for all layers and contexts costs."""

import polars as pl
import pytest

from measure.fakes import SPLIT
from measure.planted import write_waves
from numprobe.experiments.universal_probe.fit import fit_universal
from numprobe.experiments.universal_probe.measure import EXTRA, universal_rows
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.tables import measurements

METADATA = {"split": describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])}
SHAPES = {
    "number": {"0": (0.2, 0.0, 0), "1": (1.0, 1.0, 0)},
    # The same code, elsewhere; layer 1 in directions of its own.
    "operand": {"0": (0.2, 3.0, 0), "1": (1.0, -2.0, 8)},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("planted"), SHAPES)


def measured(folder, shapes, control="none"):
    folders = {name: write_waves(folder / name, layers, name) for name, layers in shapes.items()}
    rows = {name: training_rows(part, SPLIT) for name, part in folders.items()}
    own = {
        name: fit_closed_form(part, SPLIT, ["fourier"], [], 0, METADATA)["fourier", "none"]
        for name, part in rows.items()
    }
    probes = fit_universal(rows, SPLIT, ["shuffled"], [], 0, METADATA)
    variants = [probe for name, probe in probes.items() if name.startswith("variants/")]
    universal = [probes["fourier"], probes["fourier.shuffled"]]
    return measurements(universal_rows(folders, own, variants, universal, control, 50, 0), EXTRA)


def value(table, context, layer, fitted_on, normalisation=None, metric="accuracy", control="none"):
    wanted = {"context": context, "layer": layer, "fitted_on": fitted_on, "metric": metric, "control": control}
    found = table.filter(*(pl.col(name) == value for name, value in wanted.items()))
    (row,) = found.filter(pl.col("normalisation").eq_missing(pl.lit(normalisation)))["value"]
    return row


def test_the_universal_probe_reads_what_is_written_alike(table):
    for context, layer in (("number", "0"), ("number", "1"), ("operand", "0")):
        assert value(table, context, layer, "one layer") > 0.9
        assert value(table, context, layer, "all layers and contexts", "chosen") > 0.9
        assert value(table, context, layer, "all layers and contexts", "chosen", control="shuffled") < 0.1


def test_the_difference_is_that_of_the_accuracies(table):
    for context in SHAPES:
        for layer in "01":
            for fitted_on, normalisation in (("all layers", "none"), ("all layers and contexts", "layer")):
                accuracy = value(table, context, layer, fitted_on, normalisation)
                own = value(table, context, layer, "one layer")
                difference = value(table, context, layer, fitted_on, normalisation, "accuracy_difference")
                assert difference == pytest.approx(accuracy - own)


def test_contexts_that_lie_apart_want_their_own_place(table):
    shares = table.filter(pl.col("metric") == "chosen_share")
    assert dict(zip(shares["normalisation"], shares["value"], strict=True)) == {
        "none": 0.0, "layer": 0.0, "layer_context": 1.0,
    }  # fmt: skip


def test_states_of_unknown_context_are_read_on_the_scale_of_the_layer(table):
    unnamed = table.filter(pl.col("normalisation") == "chosen, context unknown")
    assert set(unnamed["context"]) == set(SHAPES)


def test_every_normalisation_is_reported(table):
    found = table.filter((pl.col("metric") == "accuracy") & (pl.col("control") == "none")).select(
        "fitted_on", "normalisation"
    )
    assert set(found.rows()) == {
        ("one layer", None), ("all layers", "none"), ("all layers", "layer"),
        *(("all layers and contexts", name) for name in ("none", "layer", "layer_context", "chosen")),
        ("all layers and contexts", "chosen, context unknown"),
    }  # fmt: skip


def test_a_control_of_one_state_is_marked_and_leaves_out_what_does_not_depend_on_it(tmp_path):
    shapes = {name: {"mixed": (1.0, 0.0, 0)} for name in SHAPES}
    rows = measured(tmp_path, shapes, "mixed")
    assert set(rows["control"]) == {"mixed"} and set(rows["layer"].drop_nulls()) == {"mixed"}
    for context in SHAPES:
        found = rows.filter(
            context=context, fitted_on="all layers and contexts", normalisation="chosen", metric="accuracy"
        )
        assert found["value"].max() > 0.9


def test_with_one_context_every_probe_is_measured_once(tmp_path):
    rows = measured(tmp_path, {"number": SHAPES["number"]}).filter(pl.col("metric") == "accuracy")
    keys = ["layer", "control", "probe", "subset", "fitted_on", "normalisation", "fold"]
    assert not rows.select(keys).is_duplicated().any()
    assert value(rows, "number", "0", "all layers", "none") > 0.9
    assert value(rows, "number", "0", "all layers and contexts", "chosen") > 0.9
