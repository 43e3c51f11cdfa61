"""The names of a GGUF file's tensors in the converted model. Standard library only, like `header`."""

import re

from numprobe.errors import NumprobeError
from numprobe.models.gguf.header import GgufHeader

_TOP = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_LLAMA = {
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
#: Supported families -> names of the parts of their blocks. The tests compare each with the same model in a folder,
#: state by state.
FAMILIES = {
    "llama": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": {**_LLAMA, "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"},
}
#: The tensor with Llama 3's scaling of rotary positions, which is converted to settings of the model.
ROTATION = "rope_freqs.weight"
_TENSOR = re.compile(r"(?:blk\.(?P<block>\d+)\.)?(?P<part>\w+)\.(?P<ending>weight|bias)")


def name_tensors(header: GgufHeader) -> dict[str, str]:
    """Return the converted name of every tensor of a file by its name there.

    Raises
    ------
    NumprobeError
        If the file holds a tensor that has no place in the model.
    """
    parts = FAMILIES[header.architecture]
    names = {name: _converted(name, parts) for name in header.tensors if name != ROTATION}
    strange = [name for name, converted in names.items() if converted is None]
    if strange:
        raise NumprobeError(
            f"{header.path} holds tensors that would not be read, so the model's states would be wrong: "
            f"{', '.join(strange[:3])} ({len(strange)} in all)"
        )
    return {name: str(converted) for name, converted in names.items()}


def _converted(name: str, parts: dict[str, str]) -> str | None:
    found = _TENSOR.fullmatch(name)
    if found is None:
        return None
    block, part, ending = found["block"], found["part"], found["ending"]
    if block is None:
        return f"{_TOP[part]}.{ending}" if part in _TOP else None
    return f"model.layers.{block}.{parts[part]}.{ending}" if part in parts else None
