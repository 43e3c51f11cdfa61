"""Facts about a model from the header of a GGUF file: whether it is supported, and its states.

Standard library only, like `header`: the Snakefile uses this before any model is opened.
"""

from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.facts import ModelFacts
from numprobe.models.gguf.header import GgufHeader, known_header
from numprobe.models.gguf.names import FAMILIES, name_tensors
from numprobe.models.gguf.splits import SPLITS
from numprobe.models.weights import same_bytes

#: Kind of vocabulary -> the lists that it consists of: byte-level, and SentencePiece with scores.
VOCABULARIES = {"gpt2": ("tokens", "token_type", "merges"), "llama": ("tokens", "token_type", "scores")}
_NEEDED = ("block_count", "embedding_length", "feed_forward_length", "attention.head_count")
# Optional entries on the architecture: read by transformers, and checked after the conversion.
_READ = (
    "context_length",
    "vocab_size",
    "rope.dimension_count",
    "rope.freq_base",
    "attention.head_count_kv",
    "attention.layer_norm_rms_epsilon",
    "attention.key_length",
    "attention.value_length",
)
# Entries that transformers ignores -> the values at which they have no effect.
_NEUTRAL = {
    "rope.scaling.type": ("none",),
    "rope.scaling.factor": (0.0, 1.0),
    "expert_count": (0,),
    "expert_used_count": (0,),
    "attention.causal": (True,),
    "tensor_data_layout": ("Meta AI original pth",),
}


def read_known_model(path: str | Path) -> GgufHeader:
    """Return the header of a GGUF file whose model is supported.

    Raises
    ------
    NumprobeError
        As `read_header`; or if the architecture or the vocabulary is not supported, or the file holds settings or
        tensors that would not be read.
    """
    header = known_header(path)
    kind = header.architecture
    if kind not in FAMILIES:
        raise NumprobeError(
            f"{path}: GGUF files of architecture '{kind}' are not supported; supported: {', '.join(FAMILIES)}"
        )
    missing = [f"{kind}.{key}" for key in _NEEDED if not isinstance(header.metadata.get(f"{kind}.{key}"), int)]
    if missing:
        raise NumprobeError(f"{path} lacks entries, or they are not single integers: {', '.join(missing)}")
    passed_over = sorted(_passed_over(header))
    if passed_over:
        raise NumprobeError(
            f"{path} has settings that are not read, so the model's states would be wrong: {', '.join(passed_over)}"
        )
    name_tensors(header)
    check_vocabulary(header)
    return header


def check_vocabulary(header: GgufHeader) -> None:
    """Refuse a file whose vocabulary is not supported or not complete.

    Raises
    ------
    NumprobeError
        If the vocabulary is not supported or not complete.
    """
    kind, cut = (header.metadata.get(f"tokenizer.ggml.{key}") for key in ("model", "pre"))
    if kind not in VOCABULARIES:
        known = " and ".join(VOCABULARIES)
        raise NumprobeError(f"{header.path}: vocabularies of kind {kind!r} are not supported; supported: {known}")
    if kind == "gpt2" and cut not in SPLITS:
        raise NumprobeError(
            f"{header.path}: its tokenizer cuts texts by {cut!r} (tokenizer.ggml.pre), which is not supported; "
            f"supported: {', '.join(sorted(SPLITS))}"
        )
    lacking = [key for key in VOCABULARIES[kind] if f"tokenizer.ggml.{key}" not in header.metadata]
    if lacking:
        raise NumprobeError(f"{header.path}: its vocabulary lacks {', '.join(lacking)}")


def _passed_over(header: GgufHeader) -> list[str]:
    return [
        f"{header.architecture}.{key} = {value}"
        for key, value in own_entries(header).items()
        if key not in (*_NEEDED, *_READ) and value not in _NEUTRAL.get(key, ())
    ]


def own_entries(header: GgufHeader) -> dict[str, Any]:
    """Return a file's entries on its architecture, by keys without the architecture's name."""
    prefix = f"{header.architecture}."
    return {key.removeprefix(prefix): value for key, value in header.metadata.items() if key.startswith(prefix)}


def gguf_facts(header: GgufHeader) -> ModelFacts:
    """Return the facts of a GGUF file's model; it is tied if its output matrix is absent or equals the input matrix."""
    matrix, head = (header.tensors.get(name) for name in ("token_embd.weight", "output.weight"))
    tied = head is None or (
        matrix is not None
        and (matrix.type, matrix.shape) == (head.type, head.shape)
        and same_bytes((header.path, matrix.start), (header.path, head.start), head.size)
    )
    layers = int(header.metadata[f"{header.architecture}.block_count"])
    return ModelFacts(layers, encoder=False, final_norm=True, tied=tied, unembedding=True)


def gguf_width(header: GgufHeader) -> int:
    """Return the width of the residual stream of a GGUF file's model."""
    return int(header.metadata[f"{header.architecture}.embedding_length"])


def count_types(header: GgufHeader) -> dict[str, int]:
    """Return the number of tensors of each type in a GGUF file, sorted by type."""
    types = sorted(tensor.type for tensor in header.tensors.values())
    return {kind: types.count(kind) for kind in dict.fromkeys(types)}


def main_type(header: GgufHeader) -> str:
    """Return the type that holds most of a GGUF file's weights, such as `Q4_1`."""
    weights: dict[str, int] = {}
    for tensor in header.tensors.values():
        weights[tensor.type] = weights.get(tensor.type, 0) + tensor.weights
    return max(weights, key=lambda kind: weights[kind])
