"""Interchange in a model of which it is known what it reads: one of two spaces that both say the number."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from models.adder import RANK, USED, Adder
from models.tiny import word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.errors import NumprobeError
from numprobe.experiments.causal_subspace.learn import train_subspaces, useful_layers
from numprobe.experiments.causal_subspace.own_probe import needed_rank, read_test_numbers
from numprobe.experiments.causal_subspace.subspaces import load_subspaces
from numprobe.experiments.causal_subspace.train_basis import Training
from numprobe.interventions.interchange import find_interchange
from numprobe.interventions.pair_settings import PairSettings
from numprobe.interventions.pairs import TEST, TRAIN, interchange_split
from numprobe.interventions.reach import LAST
from numprobe.measure.subspaces import overlap, principal_angles
from numprobe.models.tokens import NumberTokenizer
from numprobe.splits import make_split

STUDY = make_split(0, 99, "folds", 5, 3, 0)
SPLIT = interchange_split(STUDY, 0)
DRAWN = PairSettings(("+", "-"), 1000, 200)
TRAINING = Training(steps=200, batch=48, every=100)


@pytest.fixture(scope="module")
def answer_model():
    return AnswerModel(Adder(), NumberTokenizer(word_tokenizer()))


@pytest.fixture(scope="module")
def test_pairs(answer_model):
    return DRAWN.draw(TEST, SPLIT, 0, answer_model)


@pytest.fixture(scope="module")
def learned(answer_model):
    return train_subspaces(answer_model, STUDY, ["1"], False, [], 2, RANK, DRAWN, TRAINING, 0, {"model": "adder"})


def followed(answer_model, pairs, basis, layer="1", source="source"):
    """Share of the counterfactual answers; of unchanged answers where the source has the same second operand."""
    taken = None if basis is None else torch.tensor(basis).float()
    edits = find_interchange(answer_model, pairs, layer, source).edits(taken, LAST)
    wanted = pairs.table["number"] if source == "source" else pairs.base.table["number"]
    return float((answer_model.answers(pairs.base, edits).values == wanted.to_numpy()).mean())


def test_the_used_space_carries_the_number_and_the_other_does_not_although_both_say_it(answer_model, test_pairs):
    model = answer_model.model
    assert followed(answer_model, test_pairs, model.used) == followed(answer_model, test_pairs, None) == 1
    assert followed(answer_model, test_pairs, model.unused) == 0
    train = find_interchange(answer_model, DRAWN.draw(TRAIN, SPLIT, 0, answer_model), "1")
    test = find_interchange(answer_model, test_pairs, "1")
    states = np.concatenate([train.states.numpy(), test.states.numpy()])
    values = np.concatenate([part.pairs.table["source_b"].to_numpy() for part in (train, test)]).astype(np.int64)
    for space in (model.used, model.unused):
        truth, read = read_test_numbers(states @ space, values, SPLIT)
        assert np.mean(truth == read) == 1


def test_after_the_operand_was_read_nothing_is_carried(answer_model, test_pairs):
    assert followed(answer_model, test_pairs, None, layer="2") == 0


def test_the_trained_basis_is_the_used_space(answer_model, learned, test_pairs):
    for start in learned.seeds:
        basis = learned.basis("1", start)
        assert basis.dtype == np.float32 and basis.shape == (24, RANK)
        assert_allclose(basis.T @ basis, np.eye(RANK), atol=1e-5)
        assert overlap(principal_angles(basis, answer_model.model.used)) > 0.9
        assert overlap(principal_angles(basis, answer_model.model.unused)) < 0.05
        assert followed(answer_model, test_pairs, basis) > 0.9


def test_a_source_with_the_same_number_changes_nothing(answer_model, learned, test_pairs):
    assert followed(answer_model, test_pairs, learned.basis("1"), source="same") == 1


def test_random_subspaces_carry_nothing(answer_model, test_pairs):
    for draw in range(3):
        basis = np.linalg.qr(np.random.default_rng(draw).standard_normal((24, RANK)))[0]
        assert followed(answer_model, test_pairs, basis) < 0.15


def test_a_copy_of_the_used_waves_cannot_be_told_from_them():
    # If both spaces hold the same waves, the diagonal between them moves each by as much as the whole interchange.
    answer_model = AnswerModel(Adder(unused=USED), NumberTokenizer(word_tokenizer()))
    pairs = DRAWN.draw(TEST, SPLIT, 0, answer_model)
    assert followed(answer_model, pairs, (answer_model.model.used + answer_model.model.unused) / np.sqrt(2)) == 1
    assert followed(answer_model, pairs, answer_model.model.unused) == 0


def test_weights_stay_and_the_same_seed_gives_the_same_bytes(answer_model, tmp_path):
    weights = {name: tensor.clone() for name, tensor in answer_model.model.state_dict().items()}
    drawn, training = PairSettings(("+",), 60, 20), Training(steps=3, batch=8, every=2)
    for name in ("one", "two"):
        learned = train_subspaces(answer_model, STUDY, ["1"], False, [], 2, 3, drawn, training, 0, {"model": "adder"})
        learned.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert not np.array_equal(learned.basis("1", 0), learned.basis("1", 1))
    for name, tensor in answer_model.model.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_subspaces_are_the_same_after_saving(learned, tmp_path):
    learned.save(tmp_path / "subspaces.safetensors")
    loaded = load_subspaces(tmp_path / "subspaces.safetensors")
    assert (loaded.layers, loaded.seeds) == (["1"], [0, 1])
    assert_array_equal(loaded.basis(1, 1), learned.basis("1", 1))
    assert loaded.metadata["model"] == "adder" and set(loaded.metadata["learned"]) == {"1/0", "1/1"}
    with pytest.raises(NumprobeError, match="no layer '7' with seed 0: layers 1; seeds 0, 1"):
        loaded.basis("7")
    (tmp_path / "cut").write_bytes(b"12")
    with pytest.raises(NumprobeError, match="is damaged"):
        load_subspaces(tmp_path / "cut")


def test_the_rank_is_what_a_probe_needs():
    random = np.random.default_rng(0)
    values = np.repeat(STUDY.values, 10)
    angle = 2 * np.pi * values[:, None] / np.array(USED)
    frame = np.linalg.qr(random.standard_normal((40, RANK)))[0]
    states = np.hstack([np.cos(angle), np.sin(angle)]) @ frame.T + 0.01 * random.standard_normal((len(values), 40))
    assert needed_rank(states, values, SPLIT) <= RANK
    assert needed_rank(np.ones((len(values), 40)), values, SPLIT) == 1


def test_two_layers_are_taken_the_deepest_that_carries_the_operand_last(answer_model, test_pairs):
    assert useful_layers(answer_model, test_pairs, ["0", "1", "2"]) == ["0", "1"]
    assert useful_layers(answer_model, test_pairs, ["1", "2"]) == ["1", "2"]
    assert useful_layers(answer_model, test_pairs, ["1"]) == ["1"]
