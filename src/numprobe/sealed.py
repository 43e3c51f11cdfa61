"""Files that carry a checksum of all their bytes, so that damage is never read as content.

The checksum is in the file's own metadata. It is taken over the whole file with zeros in its place, so a changed
checksum is noticed too. Parquet tables: `numprobe.tables`. safetensors files: `numprobe.probes.tensor_file`. JSON:
here. Hidden states, which are read in parts: `numprobe.activations.columns`.
"""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError

#: Name of the checksum in a file's metadata.
CHECKSUM = "checksum"
_METHOD = b"xxh3-128:"
_DIGITS = 32
#: Placeholder of the checksum before it is known.
BLANK = _METHOD.decode() + "0" * _DIGITS
# More than the size of the metadata of any table of this package.
_METADATA_BYTES = 1 << 16
_AGAIN = "delete it and run again"
_NONE = "it carries no checksum, or another program wrote it"
_BLOCK = 1 << 20


class BadFile(NumprobeError):
    """A file that cannot be used.

    Attributes
    ----------
    path
        Its path.
    fault
        The fault, such as "is damaged (...)".
    remedy
        The remedy.
    """

    def __init__(self, path: str | Path, fault: str, remedy: str) -> None:
        super().__init__(f"{path} {fault}: {remedy}")
        self.path, self.fault, self.remedy = Path(path), fault, remedy


def damaged(path: str | Path, reason: object, remedy: str = _AGAIN) -> BadFile:
    """Return the error for a file whose content is not what was written."""
    return BadFile(path, f"is damaged ({reason})", remedy)


def unreadable(path: str | Path, error: OSError) -> BadFile:
    """Return the error for a file that the system cannot read; its content may be intact."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return BadFile(path, "does not exist", "run again, or correct the path")
    remedy = "give yourself the right to read it" if error.errno in (errno.EACCES, errno.EPERM) else "fix that"
    return BadFile(path, f"cannot be read ({error.strerror or error})", f"{remedy} and run again")


def blank_object(content: Mapping[str, Any], **options: Any) -> str:
    """Return an object as JSON text with sorted keys, which starts with a `BLANK` checksum.

    Parameters
    ----------
    content
        The object.
    options
        Options of `json.dumps`.
    """
    first = json.dumps({CHECKSUM: BLANK}, **options)
    rest = json.dumps(content, sort_keys=True, **options)
    return f"{first[:-1].rstrip()},{rest[1:]}" if content else first


def write_sealed(path: str | Path, content: bytes, last: bool = False) -> None:
    """Write bytes that hold a `BLANK` atomically, with their checksum in place of it.

    Parameters
    ----------
    path
        The file.
    content
        All bytes.
    last
        Whether the last `BLANK` is the placeholder, not the first.
    """
    at = content.rindex(BLANK.encode()) if last else content.index(BLANK.encode())
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.seek(at + len(_METHOD))
        file.write(xxh3_128(content).hexdigest().encode())


def check_seal(path: str | Path, content: bytes | bytearray, last: bool = False) -> None:
    """Compare a file's bytes with its checksum.

    Parameters
    ----------
    path
        Path for the message.
    content
        All bytes of the file.
    last
        Whether the last match is the checksum (metadata at the end of the file), not the first.

    Raises
    ------
    NumprobeError
        If they differ or there is no checksum.
    """
    at = content.rfind(_METHOD) if last else content.find(_METHOD)
    if at < 0:
        raise damaged(path, _NONE)
    view, end = memoryview(content), at + len(BLANK)
    digest = xxh3_128(view[:at])
    digest.update(BLANK.encode())
    digest.update(view[end:])
    if view[at + len(_METHOD) : end] != digest.hexdigest().encode():
        raise damaged(path, "its bytes do not match its checksum")


def carries_seal(path: str | Path) -> bool:
    """Return whether a file has a checksum in the metadata at its end, like tables of this package.

    Raises
    ------
    NumprobeError
        If the file is missing or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _METADATA_BYTES))
            return _METHOD in file.read()
    except OSError as error:
        raise unreadable(path, error) from None


def read_sealed(path: str | Path, last: bool = False) -> bytearray:
    """Return the bytes of a file, after comparing them with their checksum.

    Parameters
    ----------
    path, last
        As `check_seal`.

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read or is damaged.
    """
    try:
        with Path(path).open("rb", buffering=0) as file:
            content = bytearray(os.fstat(file.fileno()).st_size)
            rest = memoryview(content)
            while rest.nbytes and (count := file.readinto(rest)):
                rest = rest[count:]
    except OSError as error:
        raise unreadable(path, error) from None
    check_seal(path, content, last)
    return content


def check_sealed(path: str | Path) -> None:
    """Compare a file of any size with its checksum, the first match, in blocks of 1 MiB.

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read or is damaged.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(_BLOCK)
            at = start.find(_METHOD)
            digest = xxh3_128(start[: max(at, 0)] + BLANK.encode() + start[at + len(BLANK) :])
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from None
    if at < 0 or start[at : at + len(BLANK)] != _METHOD + digest.hexdigest().encode():
        raise damaged(path, "its bytes do not match its checksum" if at >= 0 else _NONE)


def checksum(path: str | Path) -> str:
    """Return the XXH3 checksum (128 bits) of a file's bytes, in hexadecimal, read in blocks of 1 MiB.

    Raises
    ------
    NumprobeError
        If the file is missing or cannot be read.
    """
    digest = xxh3_128()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from None
    return digest.hexdigest()


def write_sealed_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write an object as indented JSON with sorted keys, its checksum first, atomically."""
    write_sealed(path, (blank_object(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_sealed_json(path: str | Path) -> dict[str, Any]:
    """Return the object that `write_sealed_json` wrote.

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read or is damaged.
    """
    try:
        content = json.loads(read_sealed(path))
        del content[CHECKSUM]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged(path, error) from None
    return dict(content)
