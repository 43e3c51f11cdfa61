"""The layer that the values of other folds choose, and the paired comparison with controls."""

from dataclasses import replace

import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.measure.chosen_layers import (
    EXTRA,
    Run,
    at_chosen_layers,
    chosen_layer_rows,
    chosen_layers,
    difference,
    validated_layers,
)
from numprobe.measure.predict import predict
from numprobe.sealed import read_sealed_json, write_sealed_json
from numprobe.tables import measurements, write_table

from .fakes import make_probe, write_folder

TOKENS = {"number_tokens": 2, "read_at": "token"}


def readings(right):
    """One number per fold; layer -> whether each fold reads its own."""
    rows = [
        (layer, str(fold), fold, fold if ok else 99) for layer, folds in right.items() for fold, ok in enumerate(folds)
    ]
    return pl.DataFrame(rows, schema=["layer", "fold", "label", "decoded"], orient="row")


def test_a_fold_has_no_say_in_its_own_choice():
    # Layer 1 is best in fold 0 alone: the other folds take it, fold 0 itself the earliest of the equally bad.
    assert chosen_layers(readings({"0": [0, 0, 0], "1": [1, 0, 0]})) == {"0": "0", "1": "1", "2": "1"}


def test_the_earliest_of_equal_layers_is_chosen():
    assert set(chosen_layers(readings({"3": [1, 1, 1], "7": [1, 1, 1]})).values()) == {"3"}


def test_one_split_chooses_nothing_and_validation_values_choose_for_it(tmp_path):
    folder = write_folder(tmp_path, range(100))
    probe = make_probe(folds=["0"], offsets={"0": 0})
    assert chosen_layers(predict(folder, [probe])) == {}
    split = probe.metadata["split"]
    folds = {"0": {**split["folds"]["0"], "validation": [1]}}
    shifted = {
        **probe.tensors,
        ("0", "0"): {**probe.tensors["0", "0"], "target_mean": probe.tensors["0", "0"]["mean"][:1] + 5},
    }
    probe = replace(probe, metadata={**probe.metadata, "split": {**split, "folds": folds}}, tensors=shifted)
    assert validated_layers(folder, probe) == {"0": "1"}


def test_a_row_is_read_once_at_the_layer_of_its_fold(tmp_path):
    folder = write_folder(tmp_path, range(100))
    found = at_chosen_layers(predict(folder, [make_probe()]), {"0": "1", "1": "0", "2": "1", "3": "0"})
    assert found.height == 100
    assert set(found.select("fold", "layer").rows()) == {("0", "1"), ("1", "0"), ("2", "1"), ("3", "0")}


def save(root, name, context, error=0, layers=("0", "1"), constant=(), offsets=None):
    """A run in a context: states, probe, and what it reads."""
    folder = write_folder(root / name / context, range(100), layers=layers, error=error, context=context, **TOKENS)
    manifest = folder / "manifest.json"
    write_sealed_json(manifest, {**read_sealed_json(manifest), "model": name})
    probe = make_probe(() if constant else layers, constant=constant, offsets=offsets, context=context)
    (root / "probes" / name / context).mkdir(parents=True)
    probe = replace(probe, metadata={**probe.metadata, "model": name})
    probe.save(root / "probes" / name / context / "linear.safetensors")
    write_table(root / "probes" / name / context / "read.parquet", predict(folder, [probe]), {})


def run(root, name, control, contexts):
    probes = {c: root / "probes" / name / c for c in contexts}
    return Run(
        control, {c: root / name / c for c in contexts}, {c: p / "read.parquet" for c, p in probes.items()}, probes
    )


@pytest.fixture
def table(tmp_path):
    """The model reads everything; `mixed` reads correctly in the context `text`, and one too many in `number`."""
    for context in ("number", "text"):
        save(tmp_path, "m", context)
        off = 1 if context == "number" else 0
        save(tmp_path, "m.mixed", context, error=off, layers=("mixed",))
    runs = [run(tmp_path, "m", "none", ("number", "text")), run(tmp_path, "m.mixed", "mixed", ("number", "text"))]
    return measurements(chosen_layer_rows(runs, ["linear"], ["linear"], 0), EXTRA)


def value(table, metric, control, fit_context, context):
    found = table.filter(
        (pl.col("metric") == metric) & (pl.col("control") == control)
        & (pl.col("fit_context") == fit_context) & (pl.col("context") == context)
    )  # fmt: skip
    return found.row(0, named=True)


def test_a_model_stands_beside_its_controls(table):
    own = value(table, "accuracy", "none", "number", "number")
    assert (own["value"], own["layer"], own["chosen_share"], own["tokens"]) == (1.0, "0", 1.0, 2.0)
    mixed = value(table, "accuracy", "mixed", "number", "number")
    assert (mixed["value"], mixed["layer"]) == (0.01, "mixed")
    # 99 is read as 99, which is the largest candidate.
    less = value(table, "accuracy_difference", "mixed", "number", "number")
    assert less["value"] == pytest.approx(0.99) and less["ci_low"] > 0.9
    assert value(table, "accuracy_difference", "mixed", "text", "text")["value"] == 0
    assert value(table, "accuracy_difference", "mixed", "number", "text")["value"] == 0


def test_the_kind_that_is_not_transferred_reads_in_its_own_context_alone(tmp_path):
    for context in ("number", "text"):
        save(tmp_path, "m", context)
    rows = chosen_layer_rows([run(tmp_path, "m", "none", ("number", "text"))], ["linear"], [], 0)
    assert [(row["fit_context"], row["context"]) for row in rows] == [("number", "number"), ("text", "text")]


def test_differences_are_paired_row_by_row_and_numbers_weigh_alike():
    def read(decoded):
        label = [1, 1, 1, 2]
        return pl.DataFrame({"row": range(4), "fold": "0", "label": label, "decoded": decoded})

    found = difference(read([1, 1, 1, 2]), read([1, 0, 0, 2]).reverse())
    assert found["value"] == pytest.approx((2 / 3 + 0) / 2)
    assert (found["n_values"], found["n_prompts"], found["metric"]) == (2, 4, "accuracy_difference")


def test_layers_whose_states_are_all_one_vector_are_told(tmp_path):
    save(tmp_path, "m", "number", constant=("0", "1"))
    rows = chosen_layer_rows([run(tmp_path, "m", "none", ["number"])], ["linear"], [], 0)
    assert [(row["status"], row.get("value")) for row in rows] == [("constant state", None)]


def test_a_probe_of_another_model_is_refused(tmp_path):
    for name in ("m", "other"):
        for context in ("number", "text"):
            save(tmp_path, name, context)
    mixed_up = replace(
        run(tmp_path, "m", "none", ("number", "text")), probes=run(tmp_path, "other", "none", ("number", "text")).probes
    )
    with pytest.raises(NumprobeError, match="was fitted on model other in context number, not on m in number"):
        chosen_layer_rows([mixed_up], ["linear"], ["linear"], 0)
