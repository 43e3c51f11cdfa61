"""Compare what remains of the dissimilarities of two models when digits, tokens and distances are removed."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from numprobe.experiments.rsa.covariates import Covariates, covariates_of, remainder
from numprobe.experiments.rsa.pairs import Place
from numprobe.experiments.rsa.relabelling import relabelled_null
from numprobe.intervals import BOOTSTRAP
from numprobe.measure.draws import Sampling, mean_and_middle, middle
from numprobe.measure.geometry import Spaces
from numprobe.measure.similarity import agreement, dissimilarity, mantel_null, p_value, resampled_agreement
from numprobe.status import constant_state, not_applicable, undefined
from numprobe.tables import Row

METRIC = "partial_spearman"
DIFFERENCE = "partial_spearman_difference"
PERMUTED = "permutations of the numbers"
RELABELLED = "permutations of the digits"
_REMEMBERED = 64

Numbers = tuple[int, ...]
#: Number of tokens and id of the last one, of each number in one model.
Tokens = tuple[tuple[int, int], ...]


class Remains:
    """Partial rank correlations of pairs of states; matrices are kept for the next pairs.

    Parameters
    ----------
    spaces
        The states of all models.
    sampling
        How many draws.
    """

    def __init__(self, spaces: Spaces, sampling: Sampling) -> None:
        self.spaces, self.sampling = spaces, sampling
        self.covariates = lru_cache(4)(_covariates)
        self.matrix = lru_cache(_REMEMBERED)(self._matrix)

    def rows(self, place: Place, numbers: Numbers) -> Iterator[Row]:
        """Yield the measurement of a pair of states, its nulls, the untrained baseline, and the difference to it."""
        common = {"n_values": len(numbers), "seed": self.sampling.seed}
        names = {**place.names(METRIC), **common}
        tokens = self._tokens(place, numbers)
        if not self.covariates(numbers, tokens).suffice:
            yield {**names, **not_applicable("too few numbers to remove digits and distances")}
            return
        pair, constant = self._pair(place, numbers, tokens, untrained=False)
        if pair is None:
            nothing = undefined("digits and distances determine all dissimilarities")
            yield {**names, **(constant_state() if constant else nothing)}
            return
        value, samples = self._resampled(pair)
        measured = self._measured(value, samples)
        if place.tested:
            yield from ({**names, **row} for row in self._tested(pair, np.array(numbers), measured))
        else:
            yield {**names, **measured}
        baseline, _ = self._pair(place, numbers, tokens, untrained=True)
        if baseline is not None:
            without, without_samples = self._resampled(baseline)
            yield {**names, "control": "untrained", **self._measured(without, without_samples)}
            change = self._measured(value - without, samples - without_samples)
            yield {**place.names(DIFFERENCE), **common, "control": "untrained", **change}

    def _tested(self, pair: tuple[np.ndarray, np.ndarray], numbers: np.ndarray, measured: Row) -> Iterator[Row]:
        """Yield a measurement with the larger p-value of both nulls, and the nulls."""
        draws, seed = self.sampling.permutations, self.sampling.seed
        nulls = {("shuffled", PERMUTED): mantel_null(pair[0], [pair[1]], draws, seed)[0]}
        relabelled = relabelled_null(*pair, numbers, draws, seed)
        if relabelled is None:
            yield {**measured, "note": "no p-value: relabelled digits leave too few numbers"}
        else:
            nulls["relabelled", RELABELLED] = relabelled
            yield {**measured, "p_value": max(p_value(measured["value"], null) for null in nulls.values())}
        for (control, resampled), null in nulls.items():
            yield {"control": control, **mean_and_middle(null, resampled)}

    def _resampled(self, pair: tuple[np.ndarray, np.ndarray]) -> tuple[float, np.ndarray]:
        return agreement(*pair), resampled_agreement(*pair, self.sampling.resamples, self.sampling.seed)

    def _measured(self, value: float, samples: np.ndarray) -> Row:
        return {"value": value, **middle(samples, value), "resampled": BOOTSTRAP}

    def _tokens(self, place: Place, numbers: Numbers) -> tuple[Tokens, ...]:
        """Return the tokens of the numbers in each model that writes some of them with several."""
        folders = [self.spaces.get(model, place.context) for model, _ in place.states]
        tokens = [folder.tokens(np.array(numbers)) for folder in folders if folder is not None]
        return tuple(tuple(map(tuple, part.tolist())) for part in tokens if (part[:, 0] > 1).any())

    def _pair(
        self, place: Place, numbers: Numbers, tokens: tuple[Tokens, ...], untrained: bool
    ) -> tuple[tuple[np.ndarray, np.ndarray] | None, bool]:
        """Return what remains of both states, None unless of both; and whether one of them is constant."""
        parts = [self.matrix(model, place.context, layer, numbers, tokens, untrained) for model, layer in place.states]
        first, second = parts
        if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
            return (first, second), False
        return None, any(isinstance(part, str) for part in parts)

    def _matrix(
        self, model: str, context: str, layer: str, numbers: Numbers, tokens: tuple[Tokens, ...], untrained: bool
    ) -> np.ndarray | str | None:
        folder = self.spaces.get(model, context, untrained)
        if folder is None:
            return None
        states = folder.states(layer, np.array(numbers))
        if np.ptp(states, axis=0).max() == 0:
            return "constant"
        return remainder(dissimilarity(states, "cosine"), self.covariates(numbers, tokens))


def _covariates(numbers: Numbers, tokens: tuple[Tokens, ...]) -> Covariates:
    return covariates_of(np.array(numbers), [np.array(part) for part in tokens])
