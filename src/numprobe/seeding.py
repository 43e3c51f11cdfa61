"""Derive the seed of every random choice from the configured seed and the names of the draw."""

from hashlib import blake2b

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed that depends on `seed` and the names only.

    So two models of the same shape get different weights, and a draw does not depend on earlier draws.
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator seeded by `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *names))
