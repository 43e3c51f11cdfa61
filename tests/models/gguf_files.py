"""Small GGUF files, written as llama.cpp's converter writes them."""

import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from models.tiny import byte_tokenizer, tiny_model

#: Names of a Llama model's parts in a file, written by hand so that they check the library's.
_PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def small_model(tied: bool = True, kind: str = "llama", vocabulary: int = len(byte_tokenizer()), **changes: Any) -> Any:
    """A model with random weights, its widths multiples of the block of a quantised type."""
    shape = {"vocab_size": vocabulary, "intermediate_size": 64, "max_position_embeddings": 256}
    special = {"bos_token_id": None, "eos_token_id": 0, "pad_token_id": None}
    return tiny_model(kind, head=True, tie_word_embeddings=tied, **{**shape, **special, **changes})


def write_gguf(
    path: Path,
    model: Any,
    kind: str = "F32",
    changes: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write a model and the tokenizer `byte_tokenizer` as a GGUF file.

    Parameters
    ----------
    path
        The file.
    model
        A causal model of one of the families that are read.
    kind
        Type of the matrices.
    changes
        Metadata that is other than usual; None leaves an entry out.
    extra
        Tensors beside those of the model, by name.
    """
    writer = gguf.GGUFWriter(str(path), model.config.model_type)
    for key, value in {**metadata(model), **(changes or {})}.items():
        if value is not None:
            _add(writer, key, value)
    stored = {file_name(name): weights for name, weights in file_tensors(model).items()}
    for name, weights in {**stored, **(extra or {})}.items():
        type_ = gguf.GGMLQuantizationType[kind if weights.ndim == 2 else "F32"]
        writer.add_tensor(name, gguf.quantize(weights, type_), raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def metadata(model: Any) -> dict[str, Any]:
    """The entries of a file, without the architecture."""
    config = model.config
    told = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_attention_heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "rope.freq_base": float(config.rope_parameters["rope_theta"]),
    }
    if config.model_type == "llama":
        told["rope.dimension_count"] = config.head_dim
    if config.model_type == "qwen3":
        told |= {"attention.key_length": config.head_dim, "attention.value_length": config.head_dim}
    cut = {"tokenizer.ggml.pre": "gpt-2" if config.model_type == "llama" else "qwen2"}
    return {**{f"{config.model_type}.{key}": value for key, value in told.items()}, **byte_vocabulary(), **cut}


def byte_vocabulary() -> dict[str, Any]:
    """The entries of the vocabulary of `byte_tokenizer`."""
    tokens = json.loads(byte_tokenizer().backend_tokenizer.to_str())["model"]
    written = sorted(tokens["vocab"], key=tokens["vocab"].get)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": written,
        "tokenizer.ggml.token_type": [CONTROL, *[NORMAL] * (len(written) - 1)],
        "tokenizer.ggml.merges": [" ".join(merge) for merge in tokens["merges"]],
        "tokenizer.ggml.eos_token_id": 0,
    }


def scored_vocabulary(words: Sequence[str]) -> dict[str, Any]:
    """The entries of a SentencePiece vocabulary: bytes, characters, and what is joined to make words, best first."""
    joined = list(dict.fromkeys(word[:length] for word in words for length in range(2, len(word) + 1)))
    letters = ["▁", *string.ascii_letters, *string.digits, *".,=+-"]
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * (len(letters) + len(joined))]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters, *joined]
    return {
        **dict.fromkeys(("tokenizer.ggml.merges", "tokenizer.ggml.pre")),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * 259 + [-1e3] * len(letters) + [-float(place) for place in range(len(joined))],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def file_tensors(model: Any) -> dict[str, np.ndarray]:
    """The weights of a model, float32, queries and keys in the order of rows that files have."""
    config, tensors = model.config, {}
    for name, weights in model.state_dict().items():
        array = weights.numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        if config.model_type == "llama" and name.split(".")[-2] in heads:
            array = _paired(array, heads[name.split(".")[-2]])
        if name != "lm_head.weight" or not config.tie_word_embeddings:
            tensors[name] = array
    return tensors


def file_name(name: str) -> str:
    """The name of a tensor in a file."""
    part, ending = name.rsplit(".", 1)
    if part in _TOP:
        return f"{_TOP[part]}.{ending}"
    _, _, block, part = part.split(".", 3)
    return f"blk.{block}.{_PARTS[part]}.{ending}"


def _paired(weights: np.ndarray, heads: int) -> np.ndarray:
    """As llama.cpp's converter does: the halves of each head become neighbours."""
    shape = (heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return np.ascontiguousarray(weights.reshape(shape).swapaxes(1, 2).reshape(weights.shape))


def _add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    types = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
    types.get(type(value), writer.add_array)(key, value)
