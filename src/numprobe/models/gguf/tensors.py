"""The tensors of a GGUF file under their converted names, computed independently of transformers.

The conversion is checked against them. The package `gguf` dequantises; this module restores the order of the rows.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.models.gguf.header import GgufHeader, GgufTensor
from numprobe.models.gguf.names import name_tensors


def read_tensors(header: GgufHeader) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the converted name and the weights, float32, of every tensor of a file, one at a time.

    Raises
    ------
    NumprobeError
        As `name_tensors`; or if the package `gguf` cannot dequantise a type.
    """
    for name, converted in name_tensors(header).items():
        weights = dequantised(header.path, header.tensors[name])
        heads = _rotated_heads(header, name)
        yield converted, unpaired(weights, heads) if heads else weights


def dequantised(path: Path, tensor: GgufTensor) -> np.ndarray:
    """Return the weights of one tensor, float32 in its shape, as the package `gguf` dequantises them."""
    import gguf

    kind = gguf.GGMLQuantizationType[tensor.type]
    stored = np.memmap(path, dtype=np.uint8, mode="r", offset=tensor.start, shape=(tensor.size,))
    try:
        return np.asarray(gguf.dequantize(_typed(stored, kind.name), kind), dtype=np.float32).reshape(tensor.shape)
    except NotImplementedError as error:
        raise NumprobeError(f"{path} holds weights of type {tensor.type}, which gguf cannot dequantise") from error


def _typed(stored: np.ndarray, kind: str) -> np.ndarray:
    plain = {"F32": np.float32, "F16": np.float16}.get(kind)
    return stored if plain is None else stored.view(plain)


def _rotated_heads(header: GgufHeader, name: str) -> int:
    """Return the number of heads of a projection whose rows Llama files permute; 0 for all other tensors."""
    if header.architecture != "llama" or not re.search(r"\.attn_[qk]\.", name):
        return 0
    queries = header.metadata["llama.attention.head_count"]
    return int(queries if ".attn_q." in name else header.metadata.get("llama.attention.head_count_kv", queries))


def unpaired(weights: np.ndarray, heads: int) -> np.ndarray:
    """Undo the permutation of rows with which Llama files store queries and keys.

    Rotary positions rotate pairs of components. A file stores the two of a pair side by side, a folder in the two
    halves of the head: row 2 i + j of a head goes to row i + j half.
    """
    rows = np.arange(len(weights)).reshape(heads, -1)
    first, second = rows[:, 0::2], rows[:, 1::2]
    unpaired_rows: np.ndarray = weights[np.concatenate([first, second], axis=1).reshape(-1)]
    return unpaired_rows
