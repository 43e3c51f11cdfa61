"""Pairs of states of two models that are compared, and the numbers of draws of their tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from numprobe.layers import middle_layer
from numprobe.measure.depth import MatchedLayers
from numprobe.measure.geometry import VOCABULARY, Spaces
from numprobe.tables import Row

#: The fewest numbers on which two models are compared.
FEWEST = 20


@dataclass(frozen=True)
class Place:
    """Two states that are compared: a state of model `first` and one of model `second` in one context.

    `tested` places have permutations.
    """

    first: str
    second: str
    context: str
    layers: MatchedLayers
    tested: bool

    def names(self, metric: str = "spearman", kind: str = "cosine") -> Row:
        """Return the columns of a measurement that name the place."""
        layers = {"layer": self.layers.first, "other_layer": self.layers.second, "depth": self.layers.depth}
        models = {"model": self.first, "other_model": self.second, "context": self.context}
        return {**models, **layers, "metric": metric, "dissimilarity": kind}

    @property
    def states(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Model and layer of both states."""
        return (self.first, self.layers.first), (self.second, self.layers.second)


def places(spaces: Spaces) -> Iterator[Place]:
    """Yield the pairs of states of all pairs of models: matrices, then layers of bare numbers."""
    for first, second in combinations(spaces.cards, 2):
        yield from (Place(first, second, VOCABULARY, layers, True) for layers in _matrices(spaces, first, second))
        pairs = spaces.layer_pairs(first, second)
        middle = middle_layer([pair.first for pair in pairs]) if pairs else None
        yield from (Place(first, second, str(spaces.context), pair, pair.first == middle) for pair in pairs)


def _matrices(spaces: Spaces, first: str, second: str) -> Iterator[MatchedLayers]:
    """Yield input with input matrix, and output with output matrix where one of them is a matrix of its own."""
    if spaces.get(first, VOCABULARY) is None or spaces.get(second, VOCABULARY) is None:
        return
    yield MatchedLayers("embedding", "embedding", None)
    outputs = [_output_matrix(spaces, model) for model in (first, second)]
    if "unembedding" in outputs and None not in outputs:
        yield MatchedLayers(str(outputs[0]), str(outputs[1]), None)


def _output_matrix(spaces: Spaces, model: str) -> str | None:
    folder = spaces.get(model, VOCABULARY)
    if folder is not None and "unembedding" in folder.layers:
        return "unembedding"
    return "embedding" if spaces.cards[model]["tied"] else None
