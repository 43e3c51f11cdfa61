"""Convert a probe's scores to a probability of every candidate number, and to bits.

A probe that was fitted on n values gives each candidate a probability p(m | x). The bits needed to send a number to
someone who has the state, -log2 p, measure accuracy and confidence together (prequential coding: Dawid 1984; Blier &
Ollivier 2018; as a measure of probes: Voita & Titov 2020).

    p(m | x) = (1 - e) softmax_m(b s_m(x) + a_m) + e / N,     e = 1 / (n + 1)

`s` are the scores, `b` the sharpness (inverse temperature), chosen on training values that the fit left out. For the
probes `linear` and `log`, s_m = -(c_m - c(x))^2 / 2 is a Gaussian around the predicted code c(x), b the inverse
variance of held-out residuals, and a_m the logarithm of the width of m's cell (between the codes of m - 1/2 and
m + 1/2), which gives a Gaussian discretised to the candidates. The share e of the uniform code (one more observation
that could be anything: Laplace's rule of succession) bounds the cost of a confident error.
"""

from dataclasses import dataclass

import numpy as np

from numprobe.probes.codes import Code, make_code
from numprobe.probes.probe import Probe

# Candidate sharpnesses, relative to the inverse standard deviation of the scores; 0 is the uniform code.
_SHARPNESS = np.concatenate([[0.0], np.logspace(-2, 3, 31)])


@dataclass(frozen=True, eq=False)
class Coder:
    """Converts scores to probabilities: `sharpness` b, `prior` a (float64 [N]), `mixing` e."""

    sharpness: float
    prior: np.ndarray
    mixing: float

    def bits(self, scores: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Return the bits needed to send the candidates with the given indices, float64 [n], from scores [n, N]."""
        weighted = self.sharpness * scores.astype(np.float64) + self.prior
        weighted -= weighted.max(axis=1, keepdims=True)
        np.exp(weighted, out=weighted)
        likely = weighted[np.arange(len(index)), index] / weighted.sum(axis=1)
        return np.asarray(-np.log2((1 - self.mixing) * likely + self.mixing / scores.shape[1]))


def probe_scores(probe: Probe, states: np.ndarray, layer: str, fold: str) -> np.ndarray:
    """Return the scores s of every candidate, float32 [n, N]: the probe's scores, or the exponent of its Gaussian."""
    code = _code(probe)
    if code.inverse is None:
        return probe.scores(states, layer, fold)
    tensors = probe.tensors[layer, fold]
    latent = ((states - tensors["mean"]) / tensors["scale"]) @ tensors["weight"]
    predicted = latent[:, :1] + tensors["target_mean"]
    return np.asarray(-0.5 * (code.matrix[:, 0] - predicted) ** 2, dtype=np.float32)


def fit_coder(probe: Probe, scores: np.ndarray, index: np.ndarray) -> Coder:
    """Fit the coder of a probe to the scores of training values that were left out of the probe's fit.

    Parameters
    ----------
    probe
        The probe, whose kind determines the form.
    scores
        float32 [n, N], from `probe_scores`: each row by a fit without the row's value.
    index
        int [n]: the index of the right candidate.
    """
    code = _code(probe)
    mixing = 1 / (len(index) + 1)
    if code.inverse is None:
        return _sharpest(scores, index, mixing)
    width = _cell_widths(code)
    squared = -2.0 * scores[np.arange(len(index)), index].astype(np.float64)
    # At least the variance of rounding to whole numbers.
    variance = max(float(squared.mean()), float(width.min()) ** 2 / 12)
    return Coder(1 / variance, np.log(width), mixing)


def _sharpest(scores: np.ndarray, index: np.ndarray, mixing: float) -> Coder:
    """Return the coder with the sharpness that gives the shortest code."""
    prior = np.zeros(scores.shape[1])
    spread = float(scores.std(axis=1, dtype=np.float64).mean())
    coders = [Coder(step / spread, prior, mixing) for step in _SHARPNESS] if spread > 0 else []
    return min(coders, key=lambda coder: coder.bits(scores, index).sum(), default=Coder(0.0, prior, mixing))


def _cell_widths(code: Code) -> np.ndarray:
    """Return the distances between the midpoints of neighbouring codes, float64 [N]; outer cells are symmetric."""
    codes = code.matrix[:, 0]
    gaps = np.diff(codes)
    return np.asarray((np.append(gaps, gaps[-1]) + np.append(gaps[0], gaps)) / 2)


def _code(probe: Probe) -> Code:
    return make_code(probe.kind, int(probe.numbers[0]), int(probe.numbers[-1]))
