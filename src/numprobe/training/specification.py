"""The specification of a small model: its shape, its training, and the steps whose weights are kept."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from numprobe.errors import NumprobeError

ARCHITECTURES = ("llama", "olmo2", "phi3")
DTYPES = ("auto", "bfloat16", "float32")

#: Peak learning rates: matrices inside the blocks (Muon), embedding and head (AdamW), norms (AdamW).
_RATES = {"llama": (0.02, 0.008, 0.002), "phi3": (0.02, 0.008, 0.002), "olmo2": (0.03, 0.012, 0.002)}


@dataclass(frozen=True)
class Specification:
    """Specification of a small model.

    Attributes
    ----------
    architecture
        "llama" and "phi3" tie the output matrix to the embedding, "olmo2" does not.
    steps
        Optimiser steps of the whole run; the learning-rate schedule spans them.
    checkpoints
        Steps whose weights are also kept; 0 is the untrained model.
    hidden_size, n_layers, heads, mlp_size
        Shape of the network.
    batch_scale
        Factor on the number of rows per step.
    dtype
        "bfloat16": matrix products in bfloat16 (autocast), weights in float32; "float32": everything in float32;
        "auto": bfloat16 if the CPU has instructions for it, else float32.
    block_rate, embedding_rate, norm_rate
        Peak learning rates; None: the architecture's defaults.
    """

    architecture: str = "llama"
    steps: int = 600
    checkpoints: tuple[int, ...] = ()
    hidden_size: int = 128
    n_layers: int = 4
    heads: int = 4
    mlp_size: int = 352
    batch_scale: float = 1.0
    dtype: str = "auto"
    block_rate: float | None = None
    embedding_rate: float | None = None
    norm_rate: float | None = None

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any]) -> Self:
        """Check a JSON object and fill in defaults.

        Raises
        ------
        NumprobeError
            If a key is unknown, or a value has the wrong type or is out of range.
        """
        if not isinstance(content, Mapping):
            raise NumprobeError(f"a training specification must be a JSON object, not {content!r}")
        known = [field.name for field in fields(cls)]
        for key, value in content.items():
            if key not in known:
                raise NumprobeError(f"train.{key} is no key of a training specification: use {', '.join(known)}")
            _check(key, value)
        values = dict(content)
        if "checkpoints" in values:
            values["checkpoints"] = tuple(sorted(values["checkpoints"]))
        specification = cls(**values)
        specification._check_together()
        return specification

    @property
    def tied(self) -> bool:
        """True if the output matrix is the embedding."""
        return self.architecture != "olmo2"

    @property
    def rates(self) -> tuple[float, float, float]:
        """Peak learning rates of blocks, embeddings and norms."""
        block, embedding, norm = _RATES[self.architecture]
        return (self.block_rate or block, self.embedding_rate or embedding, self.norm_rate or norm)

    def as_dict(self) -> dict[str, Any]:
        """Return all keys in JSON types."""
        return {**asdict(self), "checkpoints": list(self.checkpoints)}

    def _check_together(self) -> None:
        late = [step for step in self.checkpoints if step >= self.steps]
        if late:
            raise NumprobeError(
                f"train.checkpoints holds {late[0]}, but the run ends at step {self.steps} (train.steps), "
                "which is always kept: name earlier steps"
            )
        if self.hidden_size % (2 * self.heads):
            raise NumprobeError(
                f"train.hidden_size = {self.hidden_size} must be a multiple of twice train.heads = {self.heads}"
            )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def _is_list_of_steps(value: Any) -> bool:
    steps = isinstance(value, list | tuple) and all(step == 0 or _is_count(step) for step in value)
    return steps and len(set(value)) == len(value)


def _is_rate(value: Any) -> bool:
    return value is None or _is_positive(value)


_COUNT = (_is_count, "a whole number of at least 1")
_RATE = (_is_rate, "a positive number, or null for the architecture's own")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "architecture": (lambda value: value in ARCHITECTURES, f"one of {', '.join(ARCHITECTURES)}"),
    "steps": _COUNT,
    "checkpoints": (_is_list_of_steps, "a list of different steps, 0 for the untrained model"),
    "hidden_size": _COUNT,
    "n_layers": _COUNT,
    "heads": _COUNT,
    "mlp_size": _COUNT,
    "batch_scale": (_is_positive, "a positive number"),
    "dtype": (lambda value: value in DTYPES, f"one of {', '.join(DTYPES)}"),
    "block_rate": _RATE,
    "embedding_rate": _RATE,
    "norm_rate": _RATE,
}


def _check(key: str, value: Any) -> None:
    holds, wanted = _RULES[key]
    if not holds(value):
        raise NumprobeError(f"train.{key} = {value!r} is not valid: it must be {wanted}")
