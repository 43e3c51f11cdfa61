"""Probes of answers: what they learn, and that no row of a fold's test numbers takes part in either role."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from numprobe.activations.store import write_activations
from numprobe.errors import NumprobeError
from numprobe.probes.dataset import training_rows
from numprobe.probes.fit_answers import fit_answer_probe
from numprobe.probes.probe import load_probe

from .planted import DIGESTS, IDENTITY, split_of, waves

SPLIT = split_of(maximum=99, folds=4)
TRUTH = np.repeat(np.arange(100), 6)
#: Every third row is answered by another number; its state holds what is answered.
ANSWER = np.where(np.arange(600) % 3 == 0, (TRUTH * 7 + 31) % 100, TRUTH)


def folder_of(path, states, truth=TRUTH):
    positions = pl.DataFrame(
        {
            "row": np.arange(len(truth), dtype=np.uint32),
            "prompt": np.arange(len(truth), dtype=np.uint32),
            "number": truth.astype(np.int32),
            "text_split": ["any"] * len(truth),
        }
    )
    layers = {"0": np.zeros_like(states), "1": states}
    details = {"dropped": {}, **IDENTITY, **DIGESTS, "provenance": {}}
    write_activations(
        path,
        [{name: array.astype(np.float32) for name, array in layers.items()}],
        layers=list(layers),
        width=states.shape[1],
        dtype="float32",
        positions=positions,
        details=details,
    )
    return training_rows(path, SPLIT)


def answers_of(answer, truth=TRUTH):
    return pl.DataFrame({"prompt": np.arange(len(truth), dtype=np.uint32), "number": truth, "answer": answer})


def fitted(path, states, answer=ANSWER):
    return fit_answer_probe(folder_of(path, states), answers_of(answer), SPLIT, "fourier", {"split": {}})


STATES = waves(ANSWER, periods=(2, 5, 10, 100))


def test_it_reads_answers_that_no_fold_has_seen(tmp_path):
    probe = fitted(tmp_path / "run", STATES)
    assert probe.layers == ("1",) and probe.constant == ("0",)
    for fold in SPLIT.folds:
        tested = np.isin(SPLIT.block_of(ANSWER), fold.test)
        assert (probe.decode(STATES[tested], "1", fold.name) == ANSWER[tested]).mean() > 0.98


def test_rows_with_a_test_number_in_either_role_do_not_matter(tmp_path):
    """Replacing the states of all rows whose truth or answer a fold tests leaves its tensors as they are."""
    fold = SPLIT.folds[1]
    tested = np.isin(SPLIT.block_of(TRUTH), fold.test) | np.isin(SPLIT.block_of(ANSWER), fold.test)
    other = np.where(tested[:, None], np.random.default_rng(1).standard_normal(STATES.shape), STATES)
    first, second = fitted(tmp_path / "a", STATES), fitted(tmp_path / "b", other)
    for name, array in first.tensors["1", fold.name].items():
        assert_array_equal(array, second.tensors["1", fold.name][name])
    assert (first.tensors["1", "all"]["mean"] != second.tensors["1", "all"]["mean"]).any()


def test_answers_that_are_no_numbers_do_not_matter(tmp_path):
    silent = np.arange(600) % 5 == 0
    answer = pl.Series(ANSWER).set(pl.Series(silent), None)
    other = np.where(silent[:, None], 99.0, STATES)
    first, second = fitted(tmp_path / "a", STATES, answer), fitted(tmp_path / "b", other, answer)
    for place, tensors in first.tensors.items():
        for name, array in tensors.items():
            assert_array_equal(array, second.tensors[place][name])


def test_the_file_says_what_its_labels_are(tmp_path):
    fitted(tmp_path / "run", STATES).save(tmp_path / "fourier.answers.safetensors")
    probe = load_probe(tmp_path / "fourier.answers.safetensors")
    assert probe.metadata["labels"] == "answers" and "true result and its answer" in probe.metadata["rule"]


@pytest.mark.parametrize("answer", [[7] * 600, [None] * 600])
def test_a_model_that_always_answers_the_same_teaches_nothing(tmp_path, answer):
    probe = fitted(tmp_path / "run", STATES, answer)
    assert probe.layers == () and probe.constant == ()
    probe.save(tmp_path / "empty.safetensors")
    assert load_probe(tmp_path / "empty.safetensors").layers == ()


def test_answers_to_other_prompts_are_refused(tmp_path):
    rows = folder_of(tmp_path / "run", STATES)
    with pytest.raises(NumprobeError, match="not to the prompts"):
        fit_answer_probe(rows, answers_of(ANSWER, TRUTH[::-1]), SPLIT, "fourier", {})
