"""Confidence intervals of shares, paired changes and areas under ROC curves, for rows that come in clusters.

All are closed forms or one root. Rows of one cluster (a number, a true result) share its fate, so the variance is that
between clusters; near 0 and 1, where it cannot be estimated, the intervals widen as exact ones do. Their coverage is
measured (docs/statistics.md).
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, norm, rankdata, t

#: Smallest distance of a bound that is searched for from the end of its range.
_EDGE = 1e-12


def share_bounds(means: np.ndarray, weights: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of weighted means of clusters' shares.

    Parameters
    ----------
    means
        float64 [m, k]: the share of each of m >= 2 clusters, between 0 and 1, in each of k readings.
    weights
        float64 [m]: the weight of each cluster, such as its rows.
    level
        Coverage.

    Returns
    -------
    Lower and upper bounds, float64 [k] each; exactly 0 and 1 where all shares are.

    Notes
    -----
    An exact interval at the effective sample size. Before each bound is computed, one cluster that fails (for the lower
    bound) or succeeds (for the upper) is added: what a sample without it could have missed, as Fay and Feuer (1997) add
    the largest weight. With shares of 0 and 1 alone this is the interval of Clopper and Pearson (1934) up to the
    correction of degrees of freedom; the more shares lie between, the less the added cluster weighs, down to half, as
    in a mid-p interval. The effective sample size is that of Korn and Graubard (1998).
    """
    count = len(means)
    weight = weights / weights.mean()
    centre = weight @ means / count
    spread = centre * (1 - centre)
    binary = np.divide(means.var(axis=0), spread, where=spread > 0, out=np.ones_like(spread))
    added = (1 + np.minimum(binary, 1)) / 2
    shrink = float((norm.ppf((1 + level) / 2) / t.ppf((1 + level) / 2, count - 1)) ** 2)
    bounds = []
    for share, tail in ((0.0, (1 - level) / 2), (1.0, (1 + level) / 2)):
        total = count + added
        moved = (count * centre + added * share) / total
        squares = weight**2 @ (means - moved) ** 2 + added**2 * (share - moved) ** 2
        variance = squares / total**2 * count / (count - 1)
        effective = shrink * np.divide(moved * (1 - moved), variance, where=variance > 0, out=total.copy())
        successes, failures = effective * moved, effective * (1 - moved)
        bounds.append(beta.ppf(tail, np.maximum(successes, _EDGE), np.maximum(failures, _EDGE)))
    return np.where(centre == 0, 0.0, bounds[0]), np.where(centre == 1, 1.0, bounds[1])


def change_bounds(
    clusters: np.ndarray, before: np.ndarray, after: np.ndarray, weights: np.ndarray, level: float = 0.95
) -> tuple[float, float]:
    """Return the bounds of the change of a weighted share between two readings of the same rows.

    Parameters
    ----------
    clusters
        int [n]: the cluster of each row, at least two distinct ones.
    before, after
        bool [n]: the outcome of each row in both readings.
    weights
        float64 [n]: the weight of each row.
    level
        Coverage.

    Notes
    -----
    Tango's score interval for paired proportions (1998) at the effective number of rows: rows are divided by the design
    effect, the ratio of the variance between clusters to that of independent rows of one weight, which is taken to be
    at least 1. Where no row changed, every cluster counts as one row.
    """
    gained, lost = after & ~before, before & ~after
    weight, rows = weights / weights.mean(), len(before)
    gains, losses = float(weight @ gained), float(weight @ lost)
    change = (gains - losses) / rows
    place = np.unique(clusters, return_inverse=True)[1]
    count = int(place.max()) + 1
    excess = np.bincount(place, weight * (gained.astype(np.float64) - lost - change))
    independent = gains + losses - rows * change**2
    design = float(excess @ excess) * count / (count - 1) / independent if independent > _EDGE else rows / count
    design = max(design, 1.0)
    z = float(t.ppf((1 + level) / 2, count - 1))
    return _tango(gains / design, losses / design, rows / design, z)


def _tango(gains: float, losses: float, rows: float, z: float) -> tuple[float, float]:
    """Return Tango's interval of (gains - losses) / rows; the numbers need not be whole."""
    change = (gains - losses) / rows

    def distance(value: float) -> float:
        """Return the score statistic of a true change."""
        linear = (2 * rows - gains + losses) * value - gains - losses
        rest = -losses * value * (1 - value)
        lost = (np.sqrt(max(linear**2 - 8 * rows * rest, 0.0)) - linear) / (4 * rows)
        variance = rows * (2 * lost + value * (1 - value))
        return float((gains - losses - rows * value) / np.sqrt(max(variance, _EDGE**2)))

    low = -1.0 if change == -1 else _root(lambda value: distance(value) - z, -1 + _EDGE, change)
    high = 1.0 if change == 1 else _root(lambda value: distance(value) + z, change, 1 - _EDGE)
    return low, high


def area_bounds(
    clusters: np.ndarray, positive: np.ndarray, score: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the area under the ROC curve and its bounds.

    Parameters
    ----------
    clusters
        int [n]: the cluster of each row, at least two distinct ones.
    positive
        bool [n]: whether the row is of the kind that should score high; both kinds occur.
    score
        float [n].
    level
        Coverage.

    Returns
    -------
    The area (ties count half), and its lower and upper bound.

    Notes
    -----
    Newcombe's score interval (2006, method 5), whose variance holds up where few rows are positive or the kinds hardly
    overlap, times the design effect of the clusters, at least 1: the variance of DeLong et al. (1988), for clustered
    rows as in Obuchowski (1997), over Newcombe's, both at the estimate.
    """
    area, above, below = _placements(positive, score)
    design = max(
        _area_variance(clusters, positive, above - area, below - area) / max(_newcombe(area, positive), _EDGE), 1.0
    )
    z = float(norm.ppf((1 + level) / 2))

    def distance(value: float) -> float:
        return float(area - value - z * np.sign(area - value) * np.sqrt(design * _newcombe(value, positive)))

    low = 0.0 if area == 0 else _root(distance, _EDGE, area - _EDGE)
    high = 1.0 if area == 1 else _root(distance, area + _EDGE, 1 - _EDGE)
    return area, low, high


def area_lead_bounds(
    clusters: np.ndarray, positive: np.ndarray, score: np.ndarray, rival: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Return by how much the area of `score` exceeds that of `rival`, and its bounds; the rest as `area_bounds`.

    Notes
    -----
    DeLong's variance of the difference, for clustered rows, with t quantiles at the clusters of the rarer kind.
    """
    ours, theirs = _placements(positive, score), _placements(positive, rival)
    lead = ours[0] - theirs[0]
    above, below = ours[1] - theirs[1] - lead, ours[2] - theirs[2] - lead
    variance = _area_variance(clusters, positive, above, below)
    rarer = min(len(np.unique(clusters[positive])), len(np.unique(clusters[~positive])))
    half = float(t.ppf((1 + level) / 2, max(rarer - 1, 1)) * np.sqrt(variance))
    return lead, max(lead - half, -1.0), min(lead + half, 1.0)


def _placements(positive: np.ndarray, score: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the area, and the share of the other kind that each positive row beats and each negative row loses to."""
    n_above, n_below = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    above = (ranks[positive] - rankdata(score[positive])) / n_below
    below = 1 - (ranks[~positive] - rankdata(score[~positive])) / n_above
    return float(above.mean()), above, below


def _area_variance(clusters: np.ndarray, positive: np.ndarray, above: np.ndarray, below: np.ndarray) -> float:
    """Return the variance of an area from its centred placements, whose sums over clusters are independent."""
    place = np.unique(clusters, return_inverse=True)[1]
    count = int(place.max()) + 1
    sums = [np.bincount(place[rows], part, count) / len(part) for rows, part in ((positive, above), (~positive, below))]
    with_kind = [max(len(np.unique(place[rows])), 2) for rows in (positive, ~positive)]
    own = sum(kinds / (kinds - 1) * float(part @ part) for kinds, part in zip(with_kind, sums, strict=True))
    return max(own + 2 * count / max(count - 1, 1) * float(sums[0] @ sums[1]), 0.0)


def _newcombe(area: float, positive: np.ndarray) -> float:
    """Return the variance of an area with exponential scores and both kinds as frequent as their mean (method 5)."""
    above, below = int(positive.sum()), int((~positive).sum())
    half = (above + below) / 2 - 1
    return area * (1 - area) * (1 + half * ((1 - area) / (2 - area) + area / (1 + area))) / (above * below)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a decreasing function crosses zero; the end that lies closer if it does not."""
    if high <= low or function(low) <= 0:
        return low
    return high if function(high) >= 0 else float(brentq(function, low, high, xtol=1e-12))
