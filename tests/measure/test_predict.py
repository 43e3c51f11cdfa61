"""Every test row is read once per layer, by the fold that never saw its number."""

import numpy as np
import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.measure.origin import check_origin, read_card
from numprobe.measure.predict import PREDICTION, held_out_rows, predict, split_of
from numprobe.probes.controls import control_labels, gaussian_states
from numprobe.sealed import write_sealed_json

from .fakes import MAXIMUM, SPLIT, WIDTH, make_probe, write_folder

EVERY = np.arange(MAXIMUM + 1)


def test_every_number_is_read_once_per_layer_by_its_own_fold(tmp_path):
    offsets = {"all": 50, "0": 0, "1": 1, "2": 2, "3": 3}
    table = predict(write_folder(tmp_path, EVERY % 90), [make_probe(offsets=offsets)])
    assert table.schema == PREDICTION
    assert table.group_by("layer", "row").len()["len"].to_list() == [1] * 200
    # The offset of a fold shows which fold read the row.
    assert (table["decoded"] - table["number"]).to_list() == table["fold"].cast(pl.Int32).to_list()
    assert (SPLIT.block_of(table["number"].to_numpy()) == table["fold"].cast(pl.Int64).to_numpy()).all()


def test_training_texts_are_not_read(tmp_path):
    texts = np.array(["train", "test", "any", "test"])[EVERY % 4]
    table = predict(write_folder(tmp_path, EVERY, layers=("0",), text_split=texts), [make_probe(("0",))])
    assert sorted(table["row"]) == [row for row in EVERY if row % 4]


def test_numbers_outside_the_range_are_not_read(tmp_path):
    table = predict(write_folder(tmp_path, np.arange(200), layers=("0",)), [make_probe(("0",))])
    assert sorted(table["number"]) == list(EVERY)


def test_a_probe_of_one_fold_reads_that_fold_only(tmp_path):
    table = predict(write_folder(tmp_path, EVERY), [make_probe(folds=["1"])])
    assert set(table["fold"]) == {"1"}
    assert sorted(table.filter(pl.col("layer") == "0")["number"]) == list(SPLIT.values_in(SPLIT.folds[1].test))


def test_layers_that_the_probe_lacks_are_left_out(tmp_path):
    table = predict(write_folder(tmp_path, EVERY), [make_probe(("1",), constant=("0",))])
    assert set(table["layer"]) == {"1"}


def test_the_shuffled_control_is_judged_by_permuted_labels_in_the_block_of_the_true_value(tmp_path):
    table = predict(write_folder(tmp_path, EVERY, layers=("0",)), [make_probe(("0",), control="shuffled")])
    assert (table["label"].to_numpy() == control_labels("shuffled", table["number"].to_numpy(), SPLIT, 0)).all()
    assert (SPLIT.block_of(table["number"].to_numpy()) == table["fold"].cast(pl.Int64).to_numpy()).all()
    assert set(table["label"]) == set(EVERY)


def test_the_gaussian_control_reads_its_own_vectors(tmp_path):
    probe = make_probe(("gaussian",), control="gaussian")
    table = predict(write_folder(tmp_path, EVERY), [probe])
    expected = probe.decode(gaussian_states(table["number"].to_numpy(), WIDTH, 0), "gaussian", "0")
    assert (table["layer"].to_list(), table["decoded"].to_list()) == (["gaussian"] * 100, expected.tolist())


def test_no_test_rows_is_an_error(tmp_path):
    folder = write_folder(tmp_path, EVERY, text_split="train")
    with pytest.raises(NumprobeError, match=r"no row tests: .* held-out numbers of 0\.\.99; use more texts"):
        predict(folder, [make_probe()])


def test_folds_without_rows_are_left_out():
    one = SPLIT.values_in((2,))[:1]
    rows = held_out_rows(pl.DataFrame({"number": one, "text_split": ["any"]}), SPLIT)
    assert {fold: found.tolist() for fold, found in rows.items()} == {"2": [0]}


def test_the_split_of_a_probe_is_the_one_that_it_was_fitted_on():
    found = split_of(make_probe())
    assert (found.block == SPLIT.block).all()
    assert [fold.test for fold in found.folds] == [fold.test for fold in SPLIT.folds]


def test_a_probe_of_another_model_is_refused():
    states = {"model": "fake", "context": "number", "weights_sha256": "0"}
    check_origin("a.safetensors", make_probe(), states)
    message = r"a\.safetensors was fitted on model fake in context number, not on other in number: name that one's"
    with pytest.raises(NumprobeError, match=message):
        check_origin("a.safetensors", make_probe(), {**states, "model": "other"})


def test_a_probe_of_other_weights_is_refused():
    """The same name, as after a model was trained anew while its states were kept."""
    states = {"model": "fake", "context": "number", "weights_sha256": "1"}
    message = r"a\.safetensors was fitted on other weights \(sha256 0\) than the states of fake .*: delete"
    with pytest.raises(NumprobeError, match=message):
        check_origin("a.safetensors", make_probe(), states)


def test_a_card_of_other_weights_is_refused(tmp_path):
    states = write_folder(tmp_path / "states", range(10))
    write_sealed_json(tmp_path / "card.json", {"name": "fake", "weights_sha256": "0"})
    assert read_card(tmp_path / "card.json", states)["name"] == "fake"
    write_sealed_json(tmp_path / "card.json", {"name": "fake", "weights_sha256": "1"})
    with pytest.raises(NumprobeError, match=r"card\.json describes other weights .*: delete both and run again"):
        read_card(tmp_path / "card.json", states)
