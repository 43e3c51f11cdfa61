"""Seeds for every random choice, derived from the configured seed and the names of what is drawn."""

from hashlib import blake2b

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed that depends on `seed` and on every name, and on nothing else.

    Two models with the same shapes get different weights, and a draw does not depend on what was drawn before it.
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a numpy generator seeded by `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *names))
