"""Measure how a layer differs from the others in scale, mean and direction: why a common probe may fail there."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from numprobe.intervals import BOOTSTRAP, resampling_weights
from numprobe.measure.draws import middle
from numprobe.probes.pooled import Pool, Standard


def likeness_rows(pool: Pool, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield rows for `numprobe.tables.measurements` without `model` and `context`: each layer against all others.

    `scale_ratio` is the scale of the layer divided by the geometric mean of the others' scales, `mean_offset` the root
    mean square distance of its mean from the mean of the others' means, in units of that mean scale. `code_cosine` is
    the cosine between the number vectors of the layer and the mean of the others' (the mean state of each number,
    centred and scaled within its layer), all numbers together: 1 if numbers differ in the same directions, 0 if in
    unrelated ones. Its interval is over numbers; the other two describe the training rows and have none.

    Parameters
    ----------
    pool
        The states of one context.
    resamples, seed
        Of the bootstrap over values.
    """
    blocks = tuple(range(pool.split.n_blocks))
    standards = pool.layer_standards(blocks)
    codes = {layer: _number_vectors(pool, layer, standards[layer]) for layer in pool.layers}
    for layer in pool.layers:
        others = [name for name in pool.layers if name != layer]
        names = {"layer": layer, "fit_layer": "others", "seed": seed, "n_values": len(codes[layer])}
        scale = float(np.exp(np.mean([np.log(standards[name].scale) for name in others])))
        offset = standards[layer].mean - np.mean([standards[name].mean for name in others], axis=0)
        yield {**names, "metric": "scale_ratio", "value": standards[layer].scale / scale}
        yield {**names, "metric": "mean_offset", "value": float(np.sqrt(np.mean(offset**2)) / scale)}
        mean = np.mean([codes[name] for name in others], axis=0)
        yield {**names, **_cosine(codes[layer], mean, resamples, seed)}


def _number_vectors(pool: Pool, layer: str, standard: Standard) -> np.ndarray:
    """Return the mean state of each number that has rows, standardised and centred over the numbers, [numbers, d]."""
    statistics = pool.statistics(layer, pool.contexts[0])
    present = statistics.value_count > 0
    means = statistics.value_sum[present] / statistics.value_count[present, None]
    return np.asarray((means - means.mean(axis=0)) / standard.scale)


def _cosine(first: np.ndarray, second: np.ndarray, resamples: int, seed: int) -> dict[str, Any]:
    parts = np.column_stack([(first * second).sum(axis=1), (first**2).sum(axis=1), (second**2).sum(axis=1)])
    weights = resampling_weights(len(first), resamples, seed)
    samples = weights @ parts
    value = parts.sum(axis=0)
    interval = middle(_ratio(samples))
    return {"metric": "code_cosine", "value": float(_ratio(value)), **interval, "resampled": BOOTSTRAP}


def _ratio(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[..., 0] / np.sqrt(sums[..., 1] * sums[..., 2]))
