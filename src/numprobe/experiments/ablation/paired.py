"""Paired differences of answers under two changes, one of which is drawn several times."""

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
        bool [n]: the marks that are compared with them.

    Notes
    -----
    Every prompt counts once for each draw; prompts of one result are one cluster, so draws add no certainty.
    """
    return prompt_change_interval(np.tile(values, len(draws)), draws.ravel(), np.tile(own, len(draws)))
