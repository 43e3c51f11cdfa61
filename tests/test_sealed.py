"""No bit of a file that another job reads can change without a word."""

import errno
import json
import os
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probes.planted import fit, split_of, waves

from numprobe.activations.store import read_manifest, read_positions, read_states, state_file, write_activations
from numprobe.errors import NumprobeError
from numprobe.probes.probe import load_probe
from numprobe.probes.tensor_file import read_tensors, write_tensors
from numprobe.sealed import BLANK, blank_object, read_sealed_json, write_sealed, write_sealed_json
from numprobe.splits import STUDY, load_split, write_splits
from numprobe.tables import read_metadata, read_table, write_table

TABLE = pl.DataFrame({"text": ["12 pens", "x" * 50, None], "value": [12, 7, 3]})
FLIPS = 300
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def activations(folder):
    batches = [{"0": np.random.default_rng(0).normal(size=(50, 8)).astype("f4")}]
    positions = pl.DataFrame({"row": range(50)}, schema={"row": pl.UInt32})
    details = {"model": "m", "context": "number"}
    write_activations(folder, batches, layers=["0"], width=8, dtype="float32", positions=positions, details=details)


def table(folder):
    write_table(folder / "table.parquet", TABLE, {"script": "program", "model": "m"})


def probe(folder):
    numbers = np.arange(50)
    fit("linear", waves(numbers, periods=(50,)), numbers, split_of(49, folds=3)).save(folder / "probe.safetensors")


def card(folder):
    write_sealed_json(folder / "card.json", {"name": "m", "layers": 2, "weights_sha256": "ab" * 32, "gguf": None})


def split(folder):
    write_splits(folder / "split.json", {STUDY: split_of(49, folds=3)}, {"script": "make_split"})


# What a kind of file is made by, called, and read by.
KINDS = {
    "state": (activations, state_file("0"), lambda path: read_states(path.parent, "0")),
    "positions": (activations, "positions.parquet", lambda path: read_positions(path.parent)),
    "manifest": (activations, "manifest.json", lambda path: read_manifest(path.parent)),
    "table": (table, "table.parquet", read_table),
    "metadata of a table": (table, "table.parquet", read_metadata),
    "probe": (probe, "probe.safetensors", load_probe),
    "card": (card, "card.json", read_sealed_json),
    "split": (split, "split.json", load_split),
}


@pytest.fixture(params=KINDS)
def stored(request, tmp_path):
    """A file, and how it is read."""
    make, name, read = KINDS[request.param]
    make(tmp_path)
    read(tmp_path / name)
    return tmp_path / name, read


def test_one_bit_that_changes_anywhere_is_an_error_that_names_the_file(stored):
    path, read = stored
    content = path.read_bytes()
    bits = {0, 8 * len(content) - 1, *map(int, np.random.default_rng(1).integers(0, 8 * len(content), FLIPS))}
    for bit in bits:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(NumprobeError, match=rf"{path.name} is damaged .*: delete (it|the folder) and run again"):
            read(path)


def test_truncated_emptied_zeroed_and_longer_files_are_errors(stored):
    path, read = stored
    content = path.read_bytes()
    half = len(content) // 2
    zeros = content[:half] + bytes(min(4096, half)) + content[half + min(4096, half) :]
    for changed in (b"", content[:half], content[:-1], zeros, bytes(len(content)), content + b"\0", b"\xff\xfe" * 99):
        path.write_bytes(changed)
        with pytest.raises(NumprobeError, match=f"{path.name} is damaged"):
            read(path)


def test_a_missing_file_is_not_called_damaged(stored):
    path, read = stored
    path.unlink()
    with pytest.raises(NumprobeError, match=r"does not exist|has no manifest") as error:
        read(path)
    assert "delete" not in str(error.value)


def test_a_file_that_the_system_does_not_give_is_not_called_damaged(stored):
    """A folder in its place: even root cannot read that."""
    path, read = stored
    size = path.stat().st_size
    path.unlink()
    path.mkdir()
    with pytest.raises(NumprobeError) as error:
        read(path)
    # A folder may hold probes: that it holds none is what is said.
    assert any(words in str(error.value) for words in ("Is a directory", f"not {size}", "holds no probes"))


def test_a_file_that_may_not_be_read_is_not_called_damaged(stored, monkeypatch):
    path, read = stored
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    monkeypatch.setattr(Path, "open", Mock(side_effect=denied))
    with pytest.raises(NumprobeError, match=r"cannot be read \(Permission denied\): give yourself the right"):
        read(path)


@given(st.dictionaries(st.text(), json_values, max_size=4).filter(lambda content: "checksum" not in content))
def test_json_survives_and_stands_after_its_checksum(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "file.json"
    write_sealed_json(path, content)
    assert read_sealed_json(path) == content
    assert next(iter(json.loads(path.read_text()))) == "checksum"
    assert json.loads(blank_object(content)) == {"checksum": BLANK, **content}


def test_content_that_looks_like_a_checksum_is_content(tmp_path):
    looks = {"a": BLANK, "z": BLANK}
    write_sealed_json(tmp_path / "a.json", looks)
    assert read_sealed_json(tmp_path / "a.json") == looks
    write_table(tmp_path / "t.parquet", pl.DataFrame({"text": [BLANK]}), looks)
    assert read_table(tmp_path / "t.parquet")["text"].to_list() == [BLANK]
    assert read_metadata(tmp_path / "t.parquet") == looks
    bytes_of = np.frombuffer(BLANK.encode(), np.uint8)
    write_tensors(tmp_path / "p.safetensors", {BLANK: bytes_of}, {"format": BLANK})
    record, arrays = read_tensors(tmp_path / "p.safetensors", BLANK, "a test")
    assert record == {"format": BLANK}
    assert np.array_equal(arrays[BLANK], bytes_of)


def test_a_sum_that_fits_does_not_make_other_content_valid(tmp_path):
    """Whoever writes such files, what is in them is told by name."""
    for content in (f'["{BLANK}"]', f'{{"other": "{BLANK}"}}', f'{{"checksum": "{BLANK}"'):
        write_sealed(tmp_path / "a.json", content.encode())
        with pytest.raises(NumprobeError, match=r"a\.json is damaged"):
            read_sealed_json(tmp_path / "a.json")
    write_sealed(tmp_path / "t.parquet", b"PAR1" + BLANK.encode() + b"PAR1", last=True)
    write_sealed(tmp_path / "p.safetensors", b"12345678" + BLANK.encode())
    for read, name in ((read_table, "t.parquet"), (read_metadata, "t.parquet"), (load_probe, "p.safetensors")):
        with pytest.raises(NumprobeError, match=f"{name} is damaged"):
            read(tmp_path / name)


def test_every_type_of_array_survives(tmp_path):
    arrays = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in ("f8", "f4", "f2", "i8", "i4", "u4", "u1", "?")}
    arrays |= {"empty": np.empty((0, 3)), "scalar": np.array(2.5)}
    write_tensors(tmp_path / "a", arrays, {"format": "f"})
    _, found = read_tensors(tmp_path / "a", "f", "a test")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable and found[name].flags.aligned
        np.testing.assert_array_equal(found[name], array)
