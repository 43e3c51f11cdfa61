"""The subspaces that a model uses at some layers, from several random starts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from numprobe.answers.ask import Asker
from numprobe.interventions.interchange import Interchange, Training, find_interchange, learn_basis
from numprobe.interventions.pairs import TEST, TRAIN, VALIDATION, AskedPairs, ask_pairs, draw_pairs, interchange_split
from numprobe.interventions.reading import needed_rank
from numprobe.interventions.subspaces import Subspaces
from numprobe.seeding import derive_seed
from numprobe.splits import Split


@dataclass(frozen=True)
class PairSettings:
    """Which pairs are drawn.

    Attributes
    ----------
    operations
        Some of `+`, `-`, `*`, `/`.
    train
        Pairs that train.
    test
        Pairs that test; half as many choose the number of steps.
    """

    operations: tuple[str, ...]
    train: int
    test: int

    def draw(self, part: str, split: Split, seed: int, asker: Asker) -> AskedPairs:
        """The pairs of one part, as this model is asked them; `split` is what `interchange_split` returned."""
        count = {TRAIN: self.train, VALIDATION: self.test // 2, TEST: self.test}[part]
        return ask_pairs(draw_pairs(self.operations, split, part, count, seed), asker.numbers)


def learn_subspaces(
    asker: Asker,
    study_split: Split,
    layers: Sequence[str],
    chosen: bool,
    seeds: int,
    rank: int | None,
    drawn: PairSettings,
    training: Training,
    seed: int,
    metadata: Mapping[str, Any],
) -> Subspaces:
    """Train a basis for every layer and start.

    Parameters
    ----------
    asker
        The model.
    study_split
        Its first fold's test numbers take no part.
    layers
        Names of the layers whose states are interchanged at the second operand's token, in order.
    chosen
        Only two of them: the first, and the deepest that still carries the operand to the answer (`useful_layers`).
    seeds
        Random starts.
    rank
        Directions; None: as many as a probe of the layer needs (`numprobe.interventions.reading.needed_rank`).
    drawn, training
        The pairs, and how a basis is trained.
    seed
        The study's seed.
    metadata
        Goes into the file.

    Raises
    ------
    NumprobeError
        If the model writes no number of the pairs as one token.
    """
    split = interchange_split(study_split, seed)
    train, validation = (drawn.draw(part, split, seed, asker) for part in (TRAIN, VALIDATION))
    bases, learned = {}, {}
    for layer in useful_layers(asker, validation, layers) if chosen else layers:
        pair = (find_interchange(asker, train, layer), find_interchange(asker, validation, layer))
        values = np.concatenate([part.pairs.table["source_b"].to_numpy() for part in pair]).astype(np.int64)
        states = np.concatenate([part.states.cpu().numpy() for part in pair])
        directions = rank or needed_rank(states, values, split)
        for start in range(seeds):
            found = learn_basis(asker, *pair, directions, training, derive_seed(seed, "subspace", layer, start))
            bases[layer, start] = found.basis
            learned[f"{layer}/{start}"] = {"steps": found.steps, "loss": found.loss}
    described = {
        **metadata,
        "candidates": list(layers),
        "pairs": asdict(drawn),
        "training": asdict(training),
        "seed": seed,
        "learned": learned,
    }
    return Subspaces(described, bases)


def useful_layers(asker: Asker, pairs: AskedPairs, layers: Sequence[str]) -> list[str]:
    """Two of some layers: the first, and the deepest at which the whole state still carries the operand to the answer.

    At the deepest, interchange of the whole state gives at least half as many counterfactual answers as at the first.
    Beyond it later tokens have read the operand already; if they have beyond the first, the second layer is taken.

    Parameters
    ----------
    asker, pairs
        The model, and pairs that do not test.
    layers
        Names of layers, in order.
    """
    followed = [whole_state_accuracy(asker, find_interchange(asker, pairs, layer)) for layer in layers]
    carry = [place for place, share in enumerate(followed) if share > 0 and share >= followed[0] / 2]
    deepest = max([min(1, len(layers) - 1), *carry])
    return list(dict.fromkeys([layers[0], layers[deepest]]))


def whole_state_accuracy(asker: Asker, interchange: Interchange) -> float:
    """Share of the counterfactual answers when the whole state is the source's."""
    answers = asker.answers(interchange.pairs.base, [interchange.edit(None)]).values
    return float((answers == interchange.pairs.table["value"].to_numpy()).mean())
