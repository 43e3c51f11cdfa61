"""What the header of a GGUF file tells of the model: whether it can be read, and which states it has.

Standard library only, as `header`: the Snakefile asks before any model is opened.
"""

from pathlib import Path

from numprobe.errors import NumprobeError
from numprobe.models.facts import ModelFacts
from numprobe.models.gguf.header import GgufHeader, known_header

#: Families whose files are read: each was compared with the same model in a folder, state by state.
ARCHITECTURES = ("llama",)
_NEEDED = ("block_count", "embedding_length", "feed_forward_length", "attention.head_count")
# What else a file may say of its architecture: read through transformers, and checked after the conversion.
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
# Entries that transformers passes over, and the values with which they change nothing.
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
        As `read_header`; or if the architecture is not supported, or the file says of it what would not be read.
    """
    header = known_header(path)
    kind = header.architecture
    if kind not in ARCHITECTURES:
        raise NumprobeError(
            f"{path}: GGUF files of architecture '{kind}' are not supported; supported: {', '.join(ARCHITECTURES)}"
        )
    missing = [f"{kind}.{key}" for key in _NEEDED if not isinstance(header.metadata.get(f"{kind}.{key}"), int)]
    if missing:
        raise NumprobeError(f"{path} does not say, or not with one number, what the model is: {', '.join(missing)}")
    passed_over = sorted(_passed_over(header))
    if passed_over:
        raise NumprobeError(
            f"{path} has settings that are not read, so the model's states would be others: {', '.join(passed_over)}"
        )
    return header


def _passed_over(header: GgufHeader) -> list[str]:
    prefix = f"{header.architecture}."
    own = {key.removeprefix(prefix): value for key, value in header.metadata.items() if key.startswith(prefix)}
    return [
        f"{prefix}{key} = {value}"
        for key, value in own.items()
        if key not in (*_NEEDED, *_READ) and value not in _NEUTRAL.get(key, ())
    ]


def gguf_facts(header: GgufHeader) -> ModelFacts:
    """Return which states the model of a GGUF file has."""
    tied = "output.weight" not in header.tensors
    layers = int(header.metadata[f"{header.architecture}.block_count"])
    return ModelFacts(layers, encoder=False, final_norm=True, tied=tied, unembedding=True)


def gguf_width(header: GgufHeader) -> int:
    """Return the width of the residual stream of a GGUF file's model."""
    return int(header.metadata[f"{header.architecture}.embedding_length"])


def count_types(header: GgufHeader) -> dict[str, int]:
    """Return how many tensors of a GGUF file are of each type, in the order of the types' names."""
    types = sorted(tensor.type for tensor in header.tensors.values())
    return {kind: types.count(kind) for kind in dict.fromkeys(types)}


def main_type(header: GgufHeader) -> str:
    """Return the type that holds most of a GGUF file's weights, such as `Q4_1`."""
    weights: dict[str, int] = {}
    for tensor in header.tensors.values():
        weights[tensor.type] = weights.get(tensor.type, 0) + tensor.weights
    return max(weights, key=lambda kind: weights[kind])
