"""The header of a GGUF file: its metadata, and where its tensors lie.

Standard library only, and no weights are read: the Snakefile imports this module to know a model before it is
converted. (The reader of the package `gguf` takes seconds for a vocabulary of usual size; this one takes a tenth.)
"""

import struct
from collections.abc import Container
from dataclasses import dataclass
from functools import cache
from math import prod
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.lfs import refuse_pointer

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = 32
# Metadata types of fixed size by their number; 8 is a text, 9 a list.
_FIXED = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9
_LENGTH = struct.Struct("<Q")
# Number of a tensor type -> its name, weights per block and bytes per block.
_TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}
#: Types that are not quantised.
FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class GgufTensor:
    """Name, shape, type and place of a tensor in its file.

    Attributes
    ----------
    type
        How its weights are stored, such as `Q4_1` or `F32`.
    shape
        Its shape in the order of PyTorch: [outputs, inputs].
    start, size
        First byte in the file, and number of bytes.
    """

    type: str
    shape: tuple[int, ...]
    start: int
    size: int

    @property
    def weights(self) -> int:
        """The number of weights."""
        return prod(self.shape)


@dataclass(frozen=True)
class GgufHeader:
    """Contents of a GGUF file before its weights.

    Attributes
    ----------
    path
        The file.
    metadata
        Its entries by key; for lists that were not requested, their length.
    tensors
        Its tensors by name, in the order of the file.
    """

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, GgufTensor]

    @property
    def architecture(self) -> str:
        """The family of models, such as `llama`."""
        return str(self.metadata.get("general.architecture"))


def read_header(path: str | Path, lists: Container[str] = ()) -> GgufHeader:
    """Read the header of a GGUF file.

    Parameters
    ----------
    path
        The file.
    lists
        Keys of the lists to read; others are skipped, since vocabularies are long.

    Raises
    ------
    NumprobeError
        If the file does not exist, is a Git LFS pointer, is no GGUF file, is truncated, or holds only part of a model.
    """
    path = Path(path)
    if not path.is_file():
        raise NumprobeError(f"the GGUF file {path} does not exist")
    refuse_pointer(path)
    if path.stat().st_size < 24:
        raise NumprobeError(f"{path} is not a GGUF file: it has {path.stat().st_size} bytes")
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        header = _Reader(content, path).header(lists)
    parts = header.metadata.get("split.count", 1)
    if parts > 1:
        raise NumprobeError(
            f"{path} is one of {parts} parts of a model: join them (llama-gguf-split --merge FIRST_PART OUTPUT)"
        )
    return header


@cache
def _read_once(path: Path, changed: int) -> GgufHeader:
    return read_header(path)


def known_header(path: str | Path) -> GgufHeader:
    """Return the header of a file, cached until the file changes; errors as in `read_header`."""
    path = Path(path)
    return _read_once(path, path.stat().st_mtime_ns) if path.is_file() else read_header(path)


class _Reader:
    """A cursor over the bytes of a header."""

    def __init__(self, content: mmap, path: Path) -> None:
        self.content = content
        self.path = path
        self.at = 0

    def header(self, lists: Container[str]) -> GgufHeader:
        """Read everything before the weights, and check that the file holds all of them."""
        if self.content[:4] != _MAGIC:
            raise NumprobeError(f"{self.path} is not a GGUF file: it does not begin with the letters GGUF")
        try:
            version, tensors, entries = struct.unpack_from("<IQQ", self.content, 4)
            if version not in _VERSIONS:
                raise NumprobeError(f"{self.path} has version {version} of the GGUF format; supported are 2 and 3")
            self.at = 24
            metadata = dict(self._entry(lists) for _ in range(entries))
            places = [self._tensor() for _ in range(tensors)]
        except (struct.error, UnicodeDecodeError, IndexError, OverflowError, MemoryError) as error:
            raise self._damaged(f"its header breaks off at byte {self.at:,} of {len(self.content):,}") from error
        found = self._placed(places, int(metadata.get("general.alignment", _ALIGNMENT)))
        return GgufHeader(self.path, metadata, found)

    def _placed(self, places: list[tuple[str, tuple[int, ...], int, int]], alignment: int) -> dict[str, GgufTensor]:
        first = -(-self.at // alignment) * alignment
        found = {}
        for name, shape, number, offset in places:
            if number not in _TENSOR_TYPES:
                raise NumprobeError(f"{self.path}: the tensor {name} is of the unknown type {number}")
            kind, weights, size = _TENSOR_TYPES[number]
            found[name] = GgufTensor(kind, shape, first + offset, prod(shape) // weights * size)
        end = max((tensor.start + tensor.size for tensor in found.values()), default=0)
        if end > len(self.content):
            raise self._damaged(f"its tensors need {end:,} bytes, it has {len(self.content):,}")
        return found

    def _damaged(self, reason: str) -> NumprobeError:
        return NumprobeError(f"{self.path} is not a complete GGUF file: {reason}. Download it again")

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return values

    def _text(self) -> str:
        (length,) = self._take("<Q")
        text = self.content[self.at : self.at + length]
        if len(text) < length:
            raise IndexError("a text is cut off")
        self.at += length
        return text.decode("utf-8")

    def _entry(self, lists: Container[str]) -> tuple[str, Any]:
        key = self._text()
        (kind,) = self._take("<I")
        return key, self._value(kind, key in lists)

    def _value(self, kind: int, whole: bool) -> Any:
        if kind in _FIXED:
            return self._take(_FIXED[kind])[0]
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            raise self._damaged(f"it holds a value of the unknown type {kind}")
        inner, count = self._take("<IQ")
        if whole:
            return [self._value(inner, whole) for _ in range(count)]
        self._skip(inner, count)
        return count

    def _skip(self, kind: int, count: int) -> None:
        """Skip the items of a list."""
        if kind in _FIXED:
            self.at += count * struct.calcsize(_FIXED[kind])
        elif kind == _TEXT:
            at, content, unpack = self.at, self.content, _LENGTH.unpack_from
            for _ in range(count):
                at += 8 + unpack(content, at)[0]
            self.at = at
        else:
            for _ in range(count):
                self._value(kind, whole=False)

    def _tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._text()
        (dimensions,) = self._take("<I")
        shape = self._take(f"<{dimensions}Q")
        kind, offset = self._take("<IQ")
        # GGUF lists the fastest varying dimension first.
        return name, shape[::-1], kind, offset
