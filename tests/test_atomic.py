"""A file is there completely or not at all."""

import errno
from hashlib import sha256
from pathlib import Path

import pytest

from numprobe.atomic import atomic_path, file_sha256, read_json, telling_full_disk, write_json
from numprobe.errors import NumprobeError


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "file.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        temporary.write_text("half of the new")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported(tmp_path, code):
    path = tmp_path / "file.txt"
    with pytest.raises(NumprobeError, match=rf"no space left while writing {path}: free"), atomic_path(path) as half:
        half.write_text("half")
        raise OSError(code, "disk full")
    assert list(tmp_path.iterdir()) == []


def test_a_limit_on_the_size_of_files_is_reported(tmp_path):
    path = tmp_path / "file.txt"
    with pytest.raises(NumprobeError, match=rf"{path} would be larger .*raise the limit"), atomic_path(path):
        raise OSError(errno.EFBIG, "File too large")


def test_a_full_disk_is_told_whichever_library_finds_it(tmp_path):
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models

    # A device that is always full.
    full = "/dev/full"
    with pytest.raises(NumprobeError, match="no space left while writing weights"), telling_full_disk("weights"):
        Tokenizer(models.BPE()).save(full)
    with pytest.raises(NumprobeError, match="no space left while writing weights"), telling_full_disk("weights"):
        Path(full).write_text("x")
    with pytest.raises(Exception, match="No such file"), telling_full_disk("weights"):
        save_file({}, str(tmp_path / "missing/file"))


def test_other_errors_of_the_system_pass(tmp_path):
    with pytest.raises(PermissionError), atomic_path(tmp_path / "file.txt"):
        raise PermissionError(errno.EACCES, "denied")


def test_json_round_trip_is_sorted_and_readable(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"b": [1, None], "a": "5 €"})
    assert read_json(path) == {"a": "5 €", "b": [1, None]}
    assert path.read_text().index('"a": "5 €"') < path.read_text().index('"b"')


def test_json_that_cannot_be_read(tmp_path):
    with pytest.raises(NumprobeError, match=r"missing\.json does not exist"):
        read_json(tmp_path / "missing.json")
    (tmp_path / "broken.json").write_text('{"a": ')
    with pytest.raises(NumprobeError, match=r"broken\.json is not valid JSON .*: delete it and run again"):
        read_json(tmp_path / "broken.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NumprobeError, match=r"binary\.json is not valid JSON"):
        read_json(tmp_path / "binary.json")


def test_sha256_of_a_file_of_several_blocks(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == sha256(content).hexdigest()
