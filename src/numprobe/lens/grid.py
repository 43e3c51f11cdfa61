"""The readings of a probe at every token and layer, as the page shows them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numprobe.layers import layer_order
from numprobe.lens.levels import Level, token_scores
from numprobe.probes.probe import Probe
from numprobe.runs import MIXED_LAYER

#: Candidates that a cell lists.
CANDIDATES = 5
# Probabilities are shown to a tenth of a per cent.
_DECIMALS = 4


def shown_layers(probe: Probe) -> list[str]:
    """Return the layers of a probe in the order of the model, with those at which nothing can be read."""
    return [MIXED_LAYER] if MIXED_LAYER in probe.layers else layer_order([*probe.layers, *probe.constant])


def make_grid(
    probe: Probe, states: Mapping[str, np.ndarray], levels: Sequence[Level], written: Mapping[int, int]
) -> dict[str, Any]:
    """Return the readings of all tokens at all layers, ready for JSON.

    Parameters
    ----------
    probe
        The probe, read with the fold of all values, as `Probe.read` does.
    states
        Layer to float [tokens, width].
    levels
        What is known of the probe at each layer.
    written
        Token to the number of which it is the last token.

    Returns
    -------
    dict
        `layers`: one description per layer; `cells`: per layer, the reading of each token, or None at a layer where
        nothing can be read; `followed`: per token, a number and its probability in each layer. Of a cell, `v` and `p`
        are the best candidates and their calibrated probabilities, `d` the most likely digit of each place with its
        probability, `s` the score of `Probe.read` (the probability before calibration; None for kinds whose scores
        are not likelihoods), `o` whether the state fits the number better than the level.
    """
    known = {level.layer: level for level in levels}
    described: list[dict[str, Any]] = []
    cells: list[list[dict[str, Any]] | None] = []
    likely: list[np.ndarray | None] = []
    for layer in shown_layers(probe):
        described.append(describe_layer(layer, known.get(layer)))
        if layer not in known:
            cells.append(None)
            likely.append(None)
            continue
        row, shares = read_cells(probe, states[layer], known[layer])
        cells.append(row)
        likely.append(shares)
    tokens = next(len(array) for array in states.values())
    followed = [_followed(probe, token, written, cells, likely) for token in range(tokens)]
    return {"layers": described, "cells": cells, "followed": followed}


def describe_layer(layer: str, level: Level | None) -> dict[str, Any]:
    """Return what the page says of a layer; without a level, its states are constant."""
    if level is None:
        return {"name": layer, "valid": False, "why": "all training states are equal: nothing to read"}
    described: dict[str, Any] = {"name": layer, "valid": level.valid}
    for name in ("accuracy", "low", "high", "error"):
        value = getattr(level, name)
        described[name] = None if value is None else round(value, _DECIMALS)
    described |= {"numbers": level.numbers, "tokens": level.tokens}
    if not level.valid:
        described["why"] = "unseen numbers are read no better than by chance"
    return described


def read_cells(probe: Probe, states: np.ndarray, level: Level) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Return the cell of each state (`make_grid`) of a layer, and the probabilities of all candidates, [n, N]."""
    scores = probe.scores(states, level.layer)
    likely = level.calibration.probabilities(scores)
    exceeds = (token_scores(probe, states, level.layer) > level.level) & level.valid
    # The order of the scores, whose first is the reading; probabilities may round to the same value.
    best = np.argsort(-scores, axis=1, kind="stable")[:, :CANDIDATES]
    digits = _likely_digits(probe.numbers, likely)
    raw = probe.likelihoods(scores)
    cells = [
        {
            "v": probe.numbers[best[row]].tolist(),
            "p": _rounded(likely[row, best[row]]),
            "d": [[int(place[0][row]), round(float(place[1][row]), _DECIMALS)] for place in digits],
            "s": None if raw is None else float(raw[row]),
            "o": bool(exceeds[row]),
        }
        for row in range(len(scores))
    ]
    return cells, likely


def _likely_digits(numbers: np.ndarray, likely: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the most likely digit of each decimal place and its probability, [n] each, highest place first."""
    found = []
    for place in reversed(range(len(str(int(np.abs(numbers).max()))))):
        digit = np.abs(numbers) // 10**place % 10
        sums = np.stack([likely[:, digit == one].sum(axis=1) for one in range(10)], axis=1)
        found.append((sums.argmax(axis=1), sums.max(axis=1).clip(0, 1)))
    return found


def _followed(
    probe: Probe,
    token: int,
    written: Mapping[int, int],
    cells: Sequence[Sequence[Mapping[str, Any]] | None],
    likely: Sequence[np.ndarray | None],
) -> dict[str, Any]:
    """Return the number that is followed at a token, and its calibrated probability in each layer.

    It is the number that is written there, else the one that most layers read, those above their level first.
    """
    if token in written:
        number = written[token]
    else:
        rows = [row[token] for row in cells if row is not None]
        clear = [row["v"][0] for row in rows if row["o"]]
        counted = Counter(clear or [row["v"][0] for row in rows])
        number = counted.most_common(1)[0][0]
    column = number - int(probe.numbers[0])
    shares = [None if one is None else round(float(one[token, column]), _DECIMALS) for one in likely]
    return {"number": number, "p": shares, "written": token in written}


def _rounded(shares: np.ndarray) -> list[float]:
    return [round(float(share), _DECIMALS) for share in shares]
