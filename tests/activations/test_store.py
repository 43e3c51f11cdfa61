import errno
import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from xxhash import xxh3_128_hexdigest

import numprobe
from numprobe.activations.columns import ITEM_BYTES, narrow, widen
from numprobe.activations.store import (
    iterate_states,
    read_manifest,
    read_positions,
    read_states,
    state_file,
    write_activations,
)
from numprobe.errors import NumprobeError
from numprobe.sealed import write_sealed_json

ROWS, WIDTH = 50, 8
STATES = {layer: np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype("f4") for seed, layer in enumerate("01")}
POSITIONS = pl.DataFrame({"row": range(ROWS), "number": range(ROWS)}, schema={"row": pl.UInt32, "number": pl.Int32})


def write(folder, dtype="float32", batch=7, states=STATES, positions=POSITIONS, **details):
    batches = ({name: x[i : i + batch] for name, x in states.items()} for i in range(0, ROWS, batch))
    write_activations(
        folder, batches, layers=list(states), width=WIDTH, dtype=dtype, positions=positions, details=details
    )
    return folder


@pytest.mark.parametrize(("dtype", "read"), [("float32", "f4"), ("float16", "f2"), ("bfloat16", "f4")])
def test_what_is_written_is_read(tmp_path, dtype, read):
    write(tmp_path, dtype, model="m", dropped={"glued": 2})
    for layer, states in STATES.items():
        found = read_states(tmp_path, layer)
        assert found.dtype == np.dtype(read)
        np.testing.assert_array_equal(found, widen(narrow(states, dtype), dtype))
        np.testing.assert_allclose(found, states, rtol=2**-8)
    assert read_positions(tmp_path).equals(POSITIONS)
    manifest = read_manifest(tmp_path)
    assert (manifest["rows"], manifest["width"], manifest["dtype"]) == (ROWS, WIDTH, dtype)
    assert (manifest["model"], manifest["dropped"]) == ("m", {"glued": 2})


def test_the_manifest_describes_the_files(tmp_path):
    write(tmp_path)
    for entry in read_manifest(tmp_path)["states"]:
        path = tmp_path / entry["file"]
        assert entry["file"] == state_file(entry["layer"])
        assert entry["bytes"] == path.stat().st_size
        content, footer = path.read_bytes(), entry["footer"]
        assert entry["checksums"] == [xxh3_128_hexdigest(part) for part in (content[:footer], content[footer:])]
        described = pq.read_schema(path).metadata
        assert described[b"width"] == b"8"
        assert described[b"dtype"] == b"float32"
        assert described[b"byte_order"] == b"little"


def test_the_bytes_do_not_depend_on_the_batches(tmp_path):
    first, other = (write(tmp_path / str(batch), batch=batch) for batch in (3, 50))
    assert [path.name for path in sorted(first.iterdir())] == [path.name for path in sorted(other.iterdir())]
    for path in first.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()


@pytest.mark.parametrize("rows", [1, 20, 1000])
def test_iteration_gives_all_rows_in_order(tmp_path, rows):
    write(tmp_path)
    batches = list(iterate_states(tmp_path, "1", rows))
    assert max(map(len, batches)) <= rows
    np.testing.assert_array_equal(np.concatenate(batches), STATES["1"])


def test_files_larger_than_a_block(tmp_path):
    rows, width = 3000, 700
    states = np.arange(rows * width, dtype="f4").reshape(rows, width)
    positions = pl.DataFrame({"row": range(rows)}, schema={"row": pl.UInt32})
    write_activations(
        tmp_path,
        ({"0": states[i : i + 100]} for i in range(0, rows, 100)),
        layers=["0"],
        width=width,
        dtype="float32",
        positions=positions,
        details={},
    )
    assert pq.ParquetFile(tmp_path / state_file("0")).num_row_groups > 1
    np.testing.assert_array_equal(read_states(tmp_path, "0"), states)
    assert pq.read_table(tmp_path / state_file("0"))["row"].to_pylist() == list(range(rows))


@pytest.mark.parametrize("dtype", ITEM_BYTES)
@pytest.mark.parametrize("width", [1, 3, 100, 5000])
def test_vectors_of_any_width_lie_in_one_piece_per_row_group(tmp_path, width, dtype):
    """More rows than a row group takes, and than Arrow puts on a page."""
    rows = 45_000 if width < 100 else 3 * (1 << 22) // (width * ITEM_BYTES[dtype]) + 1
    states = np.random.default_rng(0).normal(size=(rows, width)).astype("f4")
    positions = pl.DataFrame({"row": range(rows)}, schema={"row": pl.UInt32})
    options = {"layers": ["0"], "width": width, "dtype": dtype, "positions": positions, "details": {}}
    write_activations(tmp_path, [{"0": states}], **options)
    expected = widen(narrow(states, dtype), dtype)
    assert pq.ParquetFile(tmp_path / state_file("0")).num_row_groups > 1
    np.testing.assert_array_equal(read_states(tmp_path, "0"), expected)
    np.testing.assert_array_equal(np.concatenate(list(iterate_states(tmp_path, "0"))), expected)
    column = pl.read_parquet(tmp_path / state_file("0"))["state"]
    assert b"".join(column) == narrow(states, dtype).tobytes()


def test_a_file_of_another_layout_is_refused(tmp_path):
    """Whoever wrote it: vectors on several pages would be read wrongly."""
    write(tmp_path)
    path = tmp_path / state_file("0")
    table = pq.read_table(path)
    pq.write_table(table, path, compression="none", use_dictionary=False, data_page_size=64, write_batch_size=1)
    manifest = read_manifest(tmp_path)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    sums = [xxh3_128_hexdigest(part) for part in (content[:footer], content[footer:])]
    manifest["states"][0] |= {"bytes": len(content), "footer": footer, "checksums": sums}
    write_sealed_json(tmp_path / "manifest.json", manifest)
    with pytest.raises(NumprobeError, match="its vectors are not contiguous in each row group"):
        read_states(tmp_path, "0")


def test_any_parquet_reader_gets_the_vectors(tmp_path):
    write(tmp_path)
    state = pl.read_parquet(tmp_path / state_file("0"))["state"]
    np.testing.assert_array_equal(np.frombuffer(b"".join(state), "<f4").reshape(ROWS, WIDTH), STATES["0"])


@given(arrays("f4", 20, elements=st.floats(width=32, allow_nan=False)))
def test_bfloat16_is_rounded_to_nearest_even_as_torch_does(values):
    torch = pytest.importorskip("torch")
    expected = torch.from_numpy(values).bfloat16().float().numpy()
    np.testing.assert_array_equal(widen(narrow(values, "bfloat16"), "bfloat16"), expected)


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001])
def test_what_is_no_number_stays_none(bits):
    states = np.array([1, bits], dtype="<u4").view("f4")
    for dtype in ITEM_BYTES:
        assert np.isnan(widen(narrow(states, dtype), dtype)).tolist() == [False, True]


def test_bits_stay_what_they_are():
    stored = narrow(np.linspace(-3, 3, 7, dtype="f4"), "bfloat16")
    np.testing.assert_array_equal(narrow(stored, "bfloat16"), stored)


def test_bytes_per_component():
    for dtype, size in ITEM_BYTES.items():
        assert narrow(np.zeros(3, "f4"), dtype).itemsize == size


def test_a_run_that_breaks_leaves_no_valid_folder(tmp_path):
    write(tmp_path)

    def broken():
        yield {name: states[:10] for name, states in STATES.items()}
        raise NumprobeError("broken")

    with pytest.raises(NumprobeError, match="broken"):
        write_activations(
            tmp_path, broken(), layers=["0", "1"], width=WIDTH, dtype="float32", positions=POSITIONS, details={}
        )
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]
    with pytest.raises(NumprobeError, match="did not finish, run again"):
        read_states(tmp_path, "0")


@pytest.mark.parametrize("rows", [ROWS - 1, ROWS + 1])
def test_states_and_positions_must_be_as_many(tmp_path, rows):
    positions = pl.DataFrame({"row": range(rows)}, schema={"row": pl.UInt32})
    with pytest.raises(ValueError, match=f"layer 0 has {ROWS} states for {rows} positions"):
        write(tmp_path, positions=positions)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_when_states_reach_it(tmp_path, monkeypatch):
    """The system may take bytes first, and find no place for them when they are flushed."""

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NumprobeError, match=r"no space left while writing .*residual-[01].parquet: free some disk"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_width_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"not \[rows, 8\]"):
        write(tmp_path, states={"0": np.zeros((ROWS, 9), "f4")})


def test_a_state_that_is_not_there_names_those_that_are(tmp_path):
    write(tmp_path)
    with pytest.raises(NumprobeError, match="no state residual 7; it has: residual 0, residual 1"):
        read_states(tmp_path, "7")
    with pytest.raises(NumprobeError, match="no state mlp 0"):
        read_states(tmp_path, "0", site="mlp")


def test_missing_truncated_and_swapped_files_are_refused(tmp_path):
    write(tmp_path)
    path, other = tmp_path / state_file("0"), tmp_path / state_file("1")
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(NumprobeError, match=rf"{path.name} is damaged \(it has \d+ bytes, not \d+"):
        read_states(tmp_path, "0")
    path.write_bytes(b"x" * len(content))
    with pytest.raises(NumprobeError, match=r"its footer does not match .*: delete the folder and run again"):
        read_states(tmp_path, "0")
    path.write_bytes(other.read_bytes())
    with pytest.raises(NumprobeError, match="is damaged"):
        read_states(tmp_path, "0")
    path.unlink()
    with pytest.raises(NumprobeError, match=rf"{path.name} does not exist"):
        next(iterate_states(tmp_path, "0"))


@pytest.mark.parametrize("dtype", ITEM_BYTES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_state_that_is_no_number_is_named_when_it_is_read(tmp_path, dtype, wrong):
    states = {"1": STATES["1"].copy()}
    states["1"][31, 5] = wrong
    write(tmp_path, dtype, states=states, model="m", context="number")
    where = "row 31 of model m, context number, layer 1, site residual has NaN or infinite components"
    for read in (read_states, lambda folder, layer: next(iterate_states(folder, layer))):
        with pytest.raises(NumprobeError, match=rf"{state_file('1')} is damaged \({where}\): delete the folder"):
            read(tmp_path, "1")


def test_positions_of_another_run_are_refused(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", positions=POSITIONS.with_columns(pl.col("number") * 1_000_003 % 1009))
    (tmp_path / "b" / "positions.parquet").replace(tmp_path / "a" / "positions.parquet")
    with pytest.raises(NumprobeError, match=r"positions.parquet is damaged \(.*, unlike its manifest"):
        read_positions(tmp_path / "a")


def test_positions_without_a_needed_column_are_refused(tmp_path):
    write(tmp_path / "a", positions=POSITIONS.rename({"number": "value"}))
    fault = r"positions.parquet lacks the columns number \(it has row, value\): delete the folder and run"
    with pytest.raises(NumprobeError, match=fault):
        read_positions(tmp_path / "a", ["number"])
    assert read_positions(tmp_path / "a").columns == ["row", "value"]


def test_a_manifest_that_is_none(tmp_path):
    write(tmp_path)
    write_sealed_json(tmp_path / "manifest.json", {"rows": 3})
    with pytest.raises(NumprobeError, match="not a manifest"):
        read_manifest(tmp_path)


def test_the_reader_is_public_and_needs_no_torch(tmp_path):
    write(tmp_path)
    np.testing.assert_array_equal(numprobe.read_states(tmp_path, "0"), STATES["0"])
    program = f"import numprobe, sys; numprobe.read_states({str(tmp_path)!r}, '0'); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
