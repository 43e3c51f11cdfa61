"""Damage to the bytes of a file, as a failing disk or an interrupted copy does it: the time of the file stays."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

PLACES = ("header", "body", "footer")
#: Bytes at both ends of a file that count as its header and footer.
_END = 64
_BLOCK = 4096
_NAN = bytes.fromhex("0000c07f")


def truncate(content: bytes, place: str, random: Random) -> bytes:
    """Return the bytes before an offset."""
    return content[: _offset(content, place, random)]


def flip_bit(content: bytes, place: str, random: Random) -> bytes:
    """Return the bytes with one bit the other way round."""
    at = _offset(content, place, random)
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def zero(content: bytes, place: str, random: Random) -> bytes:
    """Return the bytes with 4 KiB of zeros, or as many as there are from an offset on."""
    at = _offset(content, place, random)
    length = min(_BLOCK, len(content) - at)
    return content[:at] + bytes(length) + content[at + length :]


def write_nan(content: bytes, place: str, random: Random) -> bytes:
    """Return the bytes with NaN in place of a number of a text, or of four bytes of any other file."""
    at = _offset(content, place, random)
    if content[:1] in (b"{", b"["):
        numbers = [match.span() for match in re.finditer(rb"(?<=[:,\[\s])\d+(?=[,\]\s}])", content)]
        first, end = min(numbers, key=lambda span: abs(span[0] - at))
        return content[:first] + b"NaN" + content[end:]
    at -= at % len(_NAN)
    return content[:at] + _NAN[: len(content) - at] + content[at + len(_NAN) :]


DAMAGES: dict[str, Callable[[bytes, str, Random], bytes]] = {
    "truncated": truncate,
    "one bit": flip_bit,
    "zeros": zero,
    "NaN": write_nan,
}


def _offset(content: bytes, place: str, random: Random) -> int:
    """Return an offset in a part of a file."""
    size = len(content)
    first, end = {
        "header": (0, min(_END, size)),
        "body": (size // 4, max(size // 4 + 1, 3 * size // 4)),
        "footer": (max(0, size - _END), size),
    }[place]
    return random.randrange(first, end)


def damage_file(path: Path, kind: str, place: str, random: Random) -> None:
    """Damage a file in place, its times kept; what changes nothing is tried again elsewhere.

    Parameters
    ----------
    path
        The file, of one byte or more.
    kind
        One of `DAMAGES`.
    place
        One of `PLACES`.
    random
        Chooses the offset.
    """
    content, times = path.read_bytes(), path.stat()
    damaged = content
    while damaged == content:
        damaged = DAMAGES[kind](content, place, random)
    path.write_bytes(damaged)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
