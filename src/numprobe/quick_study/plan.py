"""About how long a small study takes: a rule of thumb, printed before it runs."""

from dataclasses import dataclass
from typing import Any

# Tokens of a prompt of each kind, once prefixes are shared.
_TOKENS = {"number": 4, "operand": 8, "result": 10, "natural": 60}
_PROMPTS = 1000
# Measured: operations per second of one core and of one GPU in forward passes of float32, and seconds of a job that
# starts Python and fits or tests probes.
_OPERATIONS = {"cpu": 3.0e10, "cuda": 1.0e13}
_JOB_SECONDS = 4.0
# The model, and its untrained control.
_RUNS = 2


@dataclass(frozen=True)
class Work:
    """What a study has to do.

    Attributes
    ----------
    jobs
        Number of jobs.
    operations
        Floating-point operations of all forward passes.
    """

    jobs: int
    operations: float

    def minutes(self, cores: int, device: str) -> float:
        """Return about how many minutes it takes on some cores, with the forward passes on `cpu` or on a GPU."""
        kind = "cuda" if device.startswith("cuda") else "cpu"
        passes = self.operations / (_OPERATIONS[kind] * (cores if kind == "cpu" else 1))
        return (passes + self.jobs * _JOB_SECONDS / cores) / 60


def forward_operations(layers: int, width: int, contexts: list[dict[str, Any]]) -> float:
    """Return the floating-point operations of the forward passes of a model and of its untrained control.

    Parameters
    ----------
    layers, width
        Of the model: a block has about 12 width^2 weights, and each takes two operations for a token.
    contexts
        Entries of the configuration.
    """
    tokens = sum(_prompts(entry) * _TOKENS[entry["kind"]] for entry in contexts)
    return _RUNS * tokens * 2.0 * 12 * layers * width**2


def _prompts(entry: dict[str, Any]) -> int:
    """Return the number of prompts of a context."""
    return int(entry.get("texts", _PROMPTS * entry.get("per_value", 1) * len(entry.get("operations", [None]))))
