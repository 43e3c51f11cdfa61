"""Convert the scaling of rotary positions in a GGUF file, one factor per frequency, to the settings of a folder."""

import math
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.models.gguf.header import GgufHeader
from numprobe.models.gguf.names import ROTATION
from numprobe.models.gguf.tensors import dequantised

# Published settings (Llama 3.1 and 3.2): they cannot be derived from the factors, only compared with them.
_PUBLISHED = tuple(
    {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    for factor in (8.0, 32.0)
)


def rotation_settings(header: GgufHeader, base: float, size: int) -> dict[str, Any]:
    """Return the settings of rotary positions (`rope_parameters`) of a file's model.

    Parameters
    ----------
    header
        The file's header.
    base
        Base of the frequencies.
    size
        Components of a head.

    Raises
    ------
    NumprobeError
        If the file's factors match no known settings.
    """
    if ROTATION not in header.tensors:
        return {"rope_type": "default", "rope_theta": base}
    stored = dequantised(header.path, header.tensors[ROTATION])
    for settings in _PUBLISHED:
        factors = rotation_factors(settings, base, size)
        if stored.shape == factors.shape and np.allclose(stored, factors, rtol=1e-5):
            return {**settings, "rope_theta": base}
    raise NumprobeError(
        f"{header.path}: the factors of its rotary positions ({ROTATION}) match no known settings, so the model's "
        "states would be wrong"
    )


def rotation_factors(settings: dict[str, Any], base: float, size: int) -> np.ndarray:
    """Return the divisors of the size / 2 frequencies: 1 for short waves, `factor` for long ones."""
    lengths = 2 * math.pi * base ** (np.arange(0, size, 2, dtype=np.float64) / size)
    turns = settings["original_max_position_embeddings"] / lengths
    low, high = settings["low_freq_factor"], settings["high_freq_factor"]
    share = np.clip((turns - low) / (high - low), 0, 1)
    factors: np.ndarray = 1 / ((1 - share) / settings["factor"] + share)
    return factors
