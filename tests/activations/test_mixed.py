"""The control `mixed`: embeddings of the last tokens, turned and added up."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tokenizers import Regex, pre_tokenizers

from activations.prompts import prompt_table
from models.tiny import WIDTH, save, tiny_model, word_tokenizer
from numprobe.activations import vocabulary
from numprobe.activations.context import Extraction, extract_context
from numprobe.activations.mixed import TOKENS, extract_mixed, rotations
from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.models.load import load_model
from numprobe.models.source import ModelSource
from numprobe.probes.dataset import training_rows
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.splits import make_split
from numprobe.tables import write_table

TEXTS = ["12 and 345 is 7", "7", "the sum is 199", "80 and 80", "5 is 432"]


def digit_tokenizer():
    """Every digit is a token."""
    tokenizer = word_tokenizer()
    tokenizer._tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"[0-9]|[a-z]+|[^\s0-9a-z]"), "removed", invert=True
    )
    return tokenizer


@pytest.fixture(scope="module", params=["llama", "bert"])
def source(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    model = tiny_model(request.param, head=request.param != "bert")
    return ModelSource("path", path=str(save(folder, model, digit_tokenizer())))


def prompts_of(path, texts=TEXTS, read_at="token"):
    write_table(path / "prompts.parquet", prompt_table(texts, read_at), {})
    return path / "prompts.parquet"


def mix(source, prompts, output, seed=0, dtype="float32"):
    extract_mixed(Extraction("m.mixed", "c", source, storage_dtype=dtype), prompts, seed, output, {"script": "test"})
    return output


def by_hand(source, ids, seed=0):
    """The state at the last of some token ids."""
    embeddings = load_model(source, device="cpu").get_input_embeddings().weight.detach().numpy()
    turns = rotations(WIDTH, seed)
    return sum(turns[back] @ embeddings[id] for back, id in zip(range(TOKENS), reversed(ids), strict=False))


@pytest.mark.parametrize("read_at", ["token", "before"])
def test_states_are_the_sums_that_the_formula_gives(source, tmp_path, read_at):
    folder = mix(source, prompts_of(tmp_path, read_at=read_at), tmp_path / "out")
    positions, states = read_positions(folder), read_states(folder, "mixed")
    tokenizer = digit_tokenizer()
    for row, prompt, token in positions.select("row", "prompt", "token").iter_rows():
        ids = tokenizer(TEXTS[prompt])["input_ids"][: token + 1]
        assert_allclose(states[row], by_hand(source, ids), rtol=1e-4, atol=1e-5)
    # Of "7" there are two tokens: <s> and the digit.
    assert positions["token"].min() == (1 if read_at == "token" else 0)


def test_rows_are_those_of_the_model_itself(source, tmp_path):
    prompts = prompts_of(tmp_path)
    mixed = mix(source, prompts, tmp_path / "mixed")
    extract_context(Extraction("m", "c", source, device="cpu", layers=["0"]), prompts, tmp_path / "own", {})
    assert read_positions(mixed).equals(read_positions(tmp_path / "own"))
    found, own = read_manifest(mixed), read_manifest(tmp_path / "own")
    for key in (
        "rows",
        "width",
        "dtype",
        "dropped",
        "endings",
        "weights_sha256",
        "tokenizer_sha256",
        "source",
        "context",
    ):
        assert found[key] == own[key]
    assert [entry["layer"] for entry in found["states"]] == ["mixed"]
    assert (found["model"], found["mixed_seed"], found["untrained_seed"]) == ("m.mixed", 0, None)


def test_no_model_is_loaded_where_the_matrix_has_a_known_name(source, tmp_path, monkeypatch):
    def refuse(*options, **more):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(vocabulary, "load_model", refuse)
    prompts = prompts_of(tmp_path)
    expected = read_states(mix(source, prompts, tmp_path / "a"), "mixed")
    monkeypatch.undo()
    monkeypatch.setattr(vocabulary, "matrix_name", lambda folder, layer: None)
    assert_array_equal(read_states(mix(source, prompts, tmp_path / "b"), "mixed"), expected)


def test_rotations_keep_lengths_and_depend_on_the_seed_and_the_width_alone():
    turns = rotations(24, 0)
    assert_allclose(np.einsum("kij,kil->kjl", turns, turns), np.broadcast_to(np.eye(24), (TOKENS, 24, 24)), atol=1e-5)
    assert_array_equal(turns, rotations(24, 0))
    assert not np.allclose(turns, rotations(24, 1))
    assert abs(np.mean([np.trace(turn) for turn in turns])) < 3


def test_the_seed_draws_other_states(source, tmp_path):
    prompts = prompts_of(tmp_path)
    first, other = (read_states(mix(source, prompts, tmp_path / str(seed), seed), "mixed") for seed in (0, 1))
    assert not np.allclose(first, other)


def test_digits_are_read_exactly_from_the_mixture_of_a_network_that_never_ran(tmp_path):
    model = tiny_model("llama", head=True, hidden_size=64)
    source = ModelSource("path", path=str(save(tmp_path / "model", model, digit_tokenizer())))
    folder = mix(source, prompts_of(tmp_path, [str(n) for n in range(1000)]), tmp_path / "out")
    split = make_split(0, 999, "folds", 5, 3, 0)
    probe = fit_closed_form(training_rows(folder, split), split, ["digits"], [], 0, {})["digits", "none"]
    positions, states = read_positions(folder), read_states(folder, "mixed")
    for fold in split.folds:
        rows = positions.filter(pl.Series(np.isin(split.block_of(positions["number"].to_numpy()), fold.test)))
        read = probe.decode(states[rows["row"].to_numpy()], "mixed", fold.name)
        assert (read == rows["number"].to_numpy()).mean() > 0.99


def test_what_stops_it(source, tmp_path, monkeypatch):
    with pytest.raises(NumprobeError, match=r"no number of the prompts can be read at its tokens"):
        mix(ModelSource("path", path=source.path, single_tokens=True), prompts_of(tmp_path, ["12"]), tmp_path / "out")
    with pytest.raises(NumprobeError, match="does not exist"):
        mix(source, tmp_path / "no.parquet", tmp_path / "out")
    usage = SimpleNamespace(free=5)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(NumprobeError, match="the disk has 5 B free"):
        mix(source, prompts_of(tmp_path), tmp_path / "out")
