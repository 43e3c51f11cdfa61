"""Paired differences of answers under two changes, each of which may be drawn several times."""

import numpy as np

from numprobe.intervals import Interval, prompt_change_interval


def change_from(values: np.ndarray, draws: np.ndarray, own: np.ndarray) -> Interval:
    """Return the share of prompts that are marked less the mean share over draws, on the same prompts.

    Parameters
    ----------
    values
        int [n]: the true result of each prompt.
    draws
        bool [k, n]: the marks under every draw.
    own
        bool [n] or [j, n]: the marks that are compared with them, in one or several draws.

    Notes
    -----
    Every prompt counts once for each pair of draws; prompts of one result are one cluster, so draws add no certainty.
    """
    several = np.atleast_2d(own)
    before, after = np.repeat(draws, len(several), axis=0), np.tile(several, (len(draws), 1))
    return prompt_change_interval(np.tile(values, len(before)), before.ravel(), after.ravel())
