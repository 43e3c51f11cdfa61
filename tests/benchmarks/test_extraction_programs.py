"""The programs that time extraction do what they say they time; times themselves are not tested."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import _ways
import allocation
import extraction
import gpu
import gpu_fitting
import prefixes
import storage
from numprobe.activations.store import read_states

TINY = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 300,
    "max_position_embeddings": 512,
}


@pytest.fixture(scope="module")
def parts():
    return _ways.random_llama(TINY)


@pytest.fixture
def saved(monkeypatch):
    """What a way was about to save: per batch, all layers."""
    kept = []
    monkeypatch.setattr(_ways, "_save", kept.extend)
    return kept


def job(parts, located, batch_tokens=64):
    return _ways.Job(parts, located, batch_tokens)


def test_prompts_that_share_nothing():
    located = _ways.unlike(40, 8, 300)
    sequences = located.ids.reshape(40, 8)
    assert len(np.unique(sequences[:, 0])) == 40
    assert located.positions["token"].to_list() == [7] * 40


def test_prompts_that_begin_alike():
    sequences = _ways.sums(5, 7, 300, examples=3).ids.reshape(35, 7)
    assert len(np.unique(sequences[:, :4], axis=0)) == 1
    assert len(np.unique(sequences[:, :6], axis=0)) == 5
    assert len(np.unique(sequences, axis=0)) == 35


def test_a_third_of_the_tokens_is_run(parts):
    whole = _ways.Job(parts, _ways.sums(8, 64, 300), 1 << 20)
    assert prefixes.share_fed(whole) == (8 * 3 + 8 * 64) / (4 * 8 * 64)
    assert prefixes.difference(parts) < 1e-5


def test_all_ways_give_the_same_states(parts, saved):
    task = job(parts, _ways.unlike(20, 8, 300))
    ours = _ways.to_memory(task)
    _ways.hidden_states(task)
    theirs = [np.concatenate(layer) for layer in zip(*saved, strict=True)]
    assert len(theirs) == TINY["num_hidden_layers"] + 1
    for layer, expected in zip(["0", "1", "final_norm"], theirs, strict=True):
        assert_allclose(ours[layer], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, (module, _) in _ways.PEERS.items()])
def test_peers_give_the_same_states(parts, saved, name, module):
    pytest.importorskip(module)
    task = job(parts, _ways.unlike(20, 8, 300))
    ours = _ways.to_memory(task)
    _ways.PEERS[name][1](parts)(task)
    theirs = [np.concatenate(layer) for layer in zip(*saved, strict=True)]
    for number in range(TINY["num_hidden_layers"]):
        assert any(np.allclose(ours[str(number)], states, rtol=1e-3, atol=1e-4) for states in theirs)


def test_the_tables(parts):
    rows, ratios = extraction.measure(parts, 8, {}, repeats=1, seconds=0.01)
    assert [row["way"] for row in rows] == [name for name in (_ways.BARE, *ratios) if name != extraction.OUTSIDE]
    assert ratios[extraction.OUTSIDE].low > 1
    assert [goal.measured for goal in extraction._goals(8, ratios)] == [
        ratios[_ways.PARQUET],
        ratios[extraction.OUTSIDE],
    ]
    rows, ratios = prefixes.measure(parts, 8, 0, repeats=1, seconds=0.01)
    assert {row["prompts per prefix"] for row in rows} == {8}
    assert {_ways.BARE, _ways.RAM, _ways.PARQUET} <= set(ratios)


def test_batches_take_turns_and_all_states_are_written(parts, monkeypatch):
    """The folder that is timed batch by batch is that of the whole job."""
    folders = []
    new_folder = _ways._new_folder
    monkeypatch.setattr(_ways, "_new_folder", lambda: folders.append(new_folder()) or folders[-1])
    task = job(parts, _ways.unlike(20, 8, 300))
    assert len(list(_ways.sequence_batches(task.located, task.batch_tokens))) == 3
    seconds = _ways.in_turn(task)
    assert 0 < seconds[_ways.INSIDE] < seconds[_ways.PARQUET]
    _ways.to_parquet(task)
    for layer in task.layers:
        assert_array_equal(*(read_states(folder, layer) for folder in folders))


def test_processes_that_take_turns(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", ["go\n", "go\n"])
    monkeypatch.setattr(allocation, "keep_freed_memory", lambda: pytest.fail("memory was to be given back"))
    allocation.serve(False, 64, TINY)
    turns = [list(map(float, line.split())) for line in capsys.readouterr().out.splitlines()]
    assert len(turns) == 2
    assert all(seconds > 0 and faults >= 0 and peak > 0 for seconds, faults, peak in turns)


def test_the_table_of_a_gpu(parts, monkeypatch):
    monkeypatch.setattr(extraction, "LENGTHS", (8,))
    parts = _ways.random_llama(TINY, torch.bfloat16)
    table, ratios, shared = gpu.measure(parts, repeats=1, seconds=0.01)
    assert len(table) == 14
    assert set(ratios) == {8}
    assert _ways.PARQUET in shared
    assert all(set(row) == set(table[0]) for row in table)


def test_without_a_gpu_nothing_is_measured(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu.py"])
    for program in (gpu, gpu_fitting):
        program.main()
        assert "no GPU" in capsys.readouterr().out


def test_what_is_stored_is_what_the_plain_copy_stores(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "ROWS", 300)
    states = storage.make_states("float16")
    (tmp_path / "ours").mkdir()
    storage.write(tmp_path / "ours", states, "float16")
    storage.write_plain(tmp_path, states)
    for layer, plain in states.items():
        assert_array_equal(np.fromfile(tmp_path / f"{layer}.bin", dtype="f2").reshape(plain.shape), plain)
        assert_array_equal(read_states(tmp_path / "ours", layer), plain)
    assert 2 < storage.size(tmp_path / "ours") / (storage.LAYERS * 300 * storage.WIDTH) < 2.1
