"""Write files that have their final name only when they are complete."""

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError


@contextmanager
def atomic_path(path: str | Path, flushed: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it, on failure remove it.

    Parameters
    ----------
    path
        The final name.
    flushed
        Whether the caller has flushed it: another flush takes some milliseconds even if nothing is
        left to write.

    Raises
    ------
    NumprobeError
        If the disk is full, or files may not be as large as that.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with telling_full_disk(path):
            yield temporary
            if not flushed:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def telling_full_disk(path: str | Path) -> Iterator[None]:
    """Convert the error of a full disk inside the block to one that names `path`, whichever library raises it.

    Libraries in Rust (safetensors, tokenizers) raise their own errors, with the system's error number in the text.

    Raises
    ------
    NumprobeError
        If the disk is full, or files may not be as large as that.
    """
    try:
        yield
    except Exception as error:
        named = re.search(r"\(os error (\d+)\)", str(error))
        code = error.errno if isinstance(error, OSError) else int(named[1]) if named else None
        if code in (errno.ENOSPC, errno.EDQUOT):
            message = f"no space left while writing {path}: free some disk space and run again"
            raise NumprobeError(message) from error
        if code == errno.EFBIG:
            message = f"{path} would be larger than this user's files may be: raise the limit (ulimit -f) and run again"
            raise NumprobeError(message) from error
        raise


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON with sorted keys, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    NumprobeError
        If the file is missing or is not valid JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise NumprobeError(f"{path} does not exist") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NumprobeError(f"{path} is not valid JSON ({error}): delete it and run again") from error


def file_sha256(path: str | Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal, read in blocks of 1 MiB."""
    digest = sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
