"""Principal angles between the subspaces of one layer."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from numprobe.experiments.causal_subspace.spaces import CAUSAL, RANDOM, Space
from numprobe.measure.subspaces import overlap, principal_angles, random_angles
from numprobe.tables import Row

SEEDS = "seeds (range)"
RANDOM_SUBSPACES = "random subspaces (95 %)"


def angle_rows(spaces: Sequence[Space], width: int, seed: int) -> Iterator[Row]:
    """Yield principal angles of the trained subspaces with the others and each other, and of the others."""
    bases: dict[str, list[np.ndarray]] = {}
    for space in spaces:
        if space.basis is not None and space.name != RANDOM:
            bases.setdefault(space.name, []).append(space.basis)
    if len(bases[CAUSAL]) > 1:
        yield from _compared(CAUSAL, CAUSAL, list(combinations(bases[CAUSAL], 2)), width, seed)
    for one, other in combinations(bases, 2):
        pairs = [(a, b) for a in bases[one] for b in bases[other]]
        yield from _compared(one, other, pairs, width, seed)


def _compared(
    one: str, other: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]], width: int, seed: int
) -> Iterator[Row]:
    """Yield overlap and angles, the mean over the seeds with their range, and the same of random subspaces."""
    ranks = [basis.shape[1] for basis in pairs[0]]
    names = {"subspace": one, "other_subspace": other, "rank": ranks[0]}
    angles = np.array([principal_angles(*pair) for pair in pairs])
    null = random_angles(width, *ranks, seed)
    yield {**names, "metric": "overlap", **_range([overlap(row) for row in angles])}
    bounds = {"control": "random", "resampled": RANDOM_SUBSPACES}
    ends = {"value": null.overlap, "ci_low": null.overlap_low, "ci_high": null.overlap_high}
    yield {**names, "metric": "overlap", **ends, **bounds}
    for place in range(angles.shape[1]):
        angle = {**names, "metric": "angle", "angle": place + 1}
        yield {**angle, **_range(angles[:, place].tolist())}
        low, high = float(null.angle_low[place]), float(null.angle_high[place])
        yield {**angle, "value": float(null.angle[place]), "ci_low": low, "ci_high": high, **bounds}


def _range(values: Sequence[float]) -> Row:
    if len(values) == 1:
        return {"value": values[0]}
    return {"value": float(np.mean(values)), "ci_low": min(values), "ci_high": max(values), "resampled": SEEDS}
