"""The tensors of a GGUF file by the names of the converted model, worked out independently of transformers.

A second route, that the conversion is checked by: dequantised by the package `gguf`, named and undone here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.models.gguf.header import GgufHeader, GgufTensor

_TOP = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_IN_A_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.(weight|bias)")
# Tensors that hold nothing but what a model works out by itself.
_IDLE = re.compile(r"blk\.\d+\.attn_rot_embd")


def converted_name(name: str) -> str | None:
    """Return the name of a GGUF tensor in the converted model, None if it has none there."""
    found = _BLOCK.fullmatch(name)
    if found is None:
        return _TOP.get(name)
    block, part, ending = found.groups()
    return f"model.layers.{block}.{_IN_A_BLOCK[part]}.{ending}" if part in _IN_A_BLOCK else None


def name_tensors(header: GgufHeader) -> dict[str, str]:
    """Return the converted name of every tensor of a file by its name there.

    Raises
    ------
    NumprobeError
        If the file holds a tensor that has no place in the model, which then is another one.
    """
    names = {name: converted_name(name) for name in header.tensors if not _IDLE.match(name)}
    strange = [name for name, converted in names.items() if converted is None]
    if strange:
        raise NumprobeError(
            f"{header.path} holds tensors that would not be read, so the model's states would be others: "
            f"{', '.join(strange[:3])} ({len(strange)} in all)"
        )
    return {name: str(converted) for name, converted in names.items()}


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
    """The heads of a projection whose rows a Llama file has in another order, 0 for all other tensors."""
    if header.architecture != "llama" or not re.search(r"\.attn_[qk]\.", name):
        return 0
    queries = header.metadata["llama.attention.head_count"]
    return int(queries if ".attn_q." in name else header.metadata.get("llama.attention.head_count_kv", queries))


def unpaired(weights: np.ndarray, heads: int) -> np.ndarray:
    """Undo the order of rows in which Llama files store queries and keys.

    Rotary positions turn pairs of components. A file has the two of a pair side by side, a folder in the two halves of
    the head: row 2 i + j of a head goes to row i + j half.
    """
    rows = np.arange(len(weights)).reshape(heads, -1)
    first, second = rows[:, 0::2], rows[:, 1::2]
    unpaired_rows: np.ndarray = weights[np.concatenate([first, second], axis=1).reshape(-1)]
    return unpaired_rows
