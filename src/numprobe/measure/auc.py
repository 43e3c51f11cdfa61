"""Area under the ROC curve of a score that separates two kinds of prompts, with an interval over values."""

import numpy as np

from numprobe.clustered import area_bounds, area_lead_bounds
from numprobe.intervals import SCORE, Interval

#: The unit and method of the interval of a difference of two areas.
DELONG = "values (DeLong)"


def auc_interval(values: np.ndarray, positive: np.ndarray, score: np.ndarray, level: float = 0.95) -> Interval:
    """Return the area under the ROC curve: how often a positive row scores above a negative one, ties counting half.

    Each row weighs the same.

    Parameters
    ----------
    values
        int [n]: the number of each row; rows of one number share its fate.
    positive
        bool [n]: with both kinds.
    score
        float [n].
    level
        Coverage of the interval (`numprobe.clustered.area_bounds`).
    """
    return _interval(values, SCORE, area_bounds(values, positive, score, level))


def auc_lead_interval(
    values: np.ndarray, positive: np.ndarray, score: np.ndarray, rival: np.ndarray, level: float = 0.95
) -> Interval:
    """Return the area of `score` minus that of `rival` (float [n]) over the same rows; the rest as `auc_interval`."""
    return _interval(values, DELONG, area_lead_bounds(values, positive, score, rival, level))


def _interval(values: np.ndarray, method: str, found: tuple[float, float, float]) -> Interval:
    units = len(np.unique(values))
    area, low, high = found
    if units < 2:
        return Interval(area, None, None, None, units, len(values))
    return Interval(area, min(low, area), max(high, area), method, units, len(values))
