"""One probe for many states: planted layers that share a code up to place and scale, and layers that do not."""

import numpy as np
import pytest
from safetensors import safe_open

from numprobe.errors import NumprobeError
from numprobe.experiments.universal_probe.fit import fit_universal
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_pooled import fit_left_out, number_target, pooled_probe
from numprobe.probes.pooled import Pool
from numprobe.probes.probe import load_probe
from probes.planted import split_of, waves, write_folder

SPLIT = split_of(199, 4, 3)
FOLDS = [whole_fold(SPLIT), *SPLIT.folds]
METADATA = {"split": describe_split(SPLIT, FOLDS), "provenance": {}}
VALUES = np.arange(200)
#: Scale and place of each layer; all of them hold the same waves.
SHAPES = {"0": (0.03, 0.5), "1": (1.0, 0.0), "2": (1.5, -2.0), "3": (2.0, 1.0)}
PERIODS = (2, 5, 10, 100, 200)


def layers(seed=0, shift=0.0):
    """The code of all layers is the same; the seed sets the noise, `shift` moves all states of the context."""
    code = waves(VALUES, noise=0.0, periods=PERIODS)
    random = np.random.default_rng(seed)
    direction = np.random.default_rng(9).standard_normal(code.shape[1])
    return {
        name: scale * (code + place + shift * direction + 0.02 * random.standard_normal(code.shape))
        for name, (scale, place) in SHAPES.items()
    }


def rows_of(folder, states, context="number"):
    found = training_rows(write_folder(folder, states, VALUES), SPLIT)
    found.described["context"] = context
    return found


def accuracy(probe, layer, states):
    blocks = SPLIT.block_of(VALUES)
    tested = [(fold, np.isin(blocks, fold.test)) for fold in SPLIT.folds]
    return float(np.mean(
        np.concatenate([probe.decode(states[rows], layer, fold.name) == VALUES[rows] for fold, rows in tested])
    ))  # fmt: skip


def left_out(rows, normalisation, control="none"):
    pool = Pool({"number": rows}, SPLIT)
    fitted = fit_left_out(pool, SPLIT.folds, [number_target(SPLIT, control, 0)], normalisation)
    return pooled_probe(pool, fitted[0], SPLIT.folds, METADATA)


def test_a_layer_is_read_by_the_probe_of_the_others_once_it_is_on_their_scale(tmp_path):
    states = layers()
    own_scale, as_they_are = (left_out(rows_of(tmp_path / n, states), n) for n in ("layer", "none"))
    for layer in SHAPES:
        assert accuracy(own_scale, layer, states[layer]) > 0.95
    assert accuracy(as_they_are, "0", states["0"]) < 0.5


def test_a_layer_with_a_code_of_its_own_is_not_read_by_the_others(tmp_path):
    states = layers() | {"2": waves(VALUES, periods=PERIODS, seed=5)}
    probe = left_out(rows_of(tmp_path, states), "layer")
    assert accuracy(probe, "2", states["2"]) < 0.1
    assert accuracy(probe, "1", states["1"]) > 0.9


def test_shuffled_labels_are_at_chance(tmp_path):
    states = layers()
    assert accuracy(left_out(rows_of(tmp_path, states), "layer", "shuffled"), "1", states["1"]) < 0.05


@pytest.fixture(scope="module")
def universal(tmp_path_factory):
    """Two contexts whose states are far apart."""
    folder = tmp_path_factory.mktemp("universal")
    states = {"number": layers(0), "operand": layers(1, shift=4.0)}
    rows = {name: rows_of(folder / name, part, name) for name, part in states.items()}
    return states, fit_universal(rows, SPLIT, ["shuffled"], ["3"], 0, METADATA)


def test_one_probe_reads_all_layers_and_contexts(universal):
    states, probes = universal
    probe = probes["fourier"]
    for context, of_context in states.items():
        for layer in SHAPES:
            assert accuracy(probe.in_context(context), layer, of_context[layer]) > 0.95
            assert accuracy(probes["fourier.shuffled"].in_context(context), layer, of_context[layer]) < 0.05


def test_layers_that_took_no_part_are_read_with_their_own_mean_and_scale(universal):
    states, probes = universal
    assert probes["fourier"].metadata["fitted_layers"] == ["0", "1", "2"]
    assert probes["fourier"].layers == ("0", "1", "2", "3")
    assert accuracy(probes["fourier"].in_context("number"), "3", states["number"]["3"]) > 0.95


def test_inner_values_choose_the_normalisation(universal):
    _, probes = universal
    chosen = probes["fourier"].metadata["normalisation"]
    assert set(chosen) == {"all", "0", "1", "2", "3"}
    assert set(chosen.values()) == {"layer_context"}  # states of the contexts are far apart
    assert probes["variants/all.none"].metadata["normalisation"] == "none"
    assert set(probes) == {
        "fourier", "fourier.shuffled", "variants/all.none", "variants/all.layer", "variants/all.layer_context",
        "variants/number.none", "variants/number.layer", "variants/operand.none", "variants/operand.layer",
    }  # fmt: skip


def test_the_file_holds_shared_weights_once(universal, tmp_path):
    states, probes = universal
    probe = probes["fourier"]
    probe.save(tmp_path / "fourier.safetensors")
    with safe_open(tmp_path / "fourier.safetensors", framework="numpy") as file:
        names = [name for name in file.keys() if name.endswith("/weight")]  # noqa: SIM118
    assert sorted(names) == [f"*/{fold}/weight" for fold in sorted(probe.folds)]
    loaded = load_probe(tmp_path / "fourier.safetensors")
    for context in ("number", "operand"):
        expected = probe.in_context(context).decode(states[context]["2"], "2", "1")
        assert (loaded.in_context(context).decode(states[context]["2"], "2", "1") == expected).all()
    assert (loaded.decode(states["number"]["2"], "2") == probe.decode(states["number"]["2"], "2")).all()


def test_a_context_that_it_does_not_know_is_refused(universal):
    with pytest.raises(NumprobeError, match="not fitted in the context 'natural': it knows number, operand"):
        universal[1]["fourier"].in_context("natural")


def test_a_fit_needs_a_layer(tmp_path):
    rows = {"number": rows_of(tmp_path, {"0": layers()["0"]})}
    with pytest.raises(NumprobeError, match="no layer is left to fit on"):
        fit_universal(rows, SPLIT, [], ["0"], 0, METADATA)
