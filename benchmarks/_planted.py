"""States that carry a known code of the number, so that the held-out accuracy of a probe is known beforehand."""

import numpy as np

from numprobe.probes.codes import fourier_frequencies, make_code
from numprobe.splits import make_split

#: 0..999 in ten folds, three inner groups: the default study's split.
SPLIT = make_split(0, 999, "folds", 10, 3, seed=0)
#: Cycles per 1000 numbers, those that hold most power in the embeddings of trained models.
FREQUENCIES = (1, 2, 3, 4, 20, 40, 100, 200, 400, 500)


def planted_states(rows: int, width: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Waves of the number in random directions, and noise: states float32 [rows, width] and values int64 [rows].

    Each number has equally many rows. At a noise of 1, width 128 and ten rows a number, the closed form reads more
    than 99 % of unseen numbers; at 1.5 about 95 %.
    """
    rng = np.random.default_rng(seed)
    values = rng.permutation(np.resize(SPLIT.values, rows))
    columns = np.isin(fourier_frequencies(len(SPLIT.values)), FREQUENCIES)
    waves = make_code("fourier", SPLIT.minimum, SPLIT.maximum).matrix[:, columns]
    directions = rng.standard_normal((waves.shape[1], width)) / np.sqrt(waves.shape[1] / 2)
    clean = (waves @ directions).astype(np.float32)
    return clean[values - SPLIT.minimum] + np.float32(noise) * rng.standard_normal((rows, width), np.float32), values
