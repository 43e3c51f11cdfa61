"""Learn the subspaces that a model uses, by distributed alignment search (DAS, arXiv 2303.02536) from random starts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from numprobe.answers.ask import AnswerModel
from numprobe.experiments.asked import load_answer_model
from numprobe.experiments.causal_subspace.own_probe import needed_rank
from numprobe.experiments.causal_subspace.subspaces import Subspaces
from numprobe.experiments.causal_subspace.train_basis import Training, learn_basis
from numprobe.experiments.given import Given
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.interchange import Interchange, find_interchange
from numprobe.interventions.pair_settings import PairSettings, pairs_of_context
from numprobe.interventions.pairs import TRAIN, VALIDATION, PairPrompts, interchange_split
from numprobe.layers import layer_order
from numprobe.probes.probe import load_probe
from numprobe.prompts.examples import examples_in
from numprobe.seeding import derive_seed
from numprobe.splits import Split
from numprobe.tables import read_metadata

#: What the file of the bases knows of their model.
_IDENTITY = ("model", "source", "revision", "weights_sha256", "tokenizer_sha256")


def learn_subspaces(given: Given) -> None:
    """Train and save the bases of a model, in the context that says how pairs are asked."""
    values, split, known = given.values, given.split, load_probe(given.file("probe")).metadata
    metadata = {name: known.get(name) for name in _IDENTITY}
    pairs = pairs_of_context(
        values["operations"],
        values["pairs"],
        values["test_pairs"],
        read_metadata(given.file("prompts")),
        values["target"],
        values["operand"],
    )
    train_subspaces(
        load_answer_model(given),
        split,
        values["layers"],
        values["chosen"],
        values["more_layers"],
        values["seeds"],
        values["rank"],
        pairs,
        Training(steps=values["steps"], batch=values["batch"]),
        split.seed,
        metadata | {"context": given.context, "provenance": given.provenance},
    ).save(given.outputs["subspaces"])


def known_pairs(metadata: Mapping[str, Any]) -> PairSettings:
    """Return the settings of the pairs recorded in the metadata of a file of subspaces."""
    found = dict(metadata["pairs"])
    prompts = found.pop("prompts")
    first, second = map(tuple, prompts["operands"] or ((), ()))
    asked = PairPrompts(
        (first, second) if first else None, tuple(examples_in(prompts)), prompts["chat"], prompts["operand"]
    )
    return PairSettings(**{**found, "operations": tuple(found["operations"]), "prompts": asked})


def train_subspaces(
    answer_model: AnswerModel,
    study_split: Split,
    layers: Sequence[str],
    chosen: bool,
    more: Sequence[str],
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
    answer_model
        The model.
    study_split
        The study's split, of which the first fold's test numbers are not used.
    layers
        Names of the layers whose states are interchanged at the second operand's token, in order.
    chosen
        Whether only two of them are used: the first, and the deepest that still carries the operand (`useful_layers`).
    more
        Further layers, at which no basis is trained; the other subspaces are interchanged there too.
    seeds
        Number of random starts.
    rank
        Number of directions; None: as many as a probe needs (`needed_rank`).
    drawn, training
        Settings of the pairs and of the training.
    seed
        The study's seed.
    metadata
        Stored in the file.

    Raises
    ------
    NumprobeError
        If no pairs can be drawn, or the model's tokens leave none.
    """
    split = interchange_split(study_split, seed)
    train, validation = (drawn.draw(part, split, seed, answer_model) for part in (TRAIN, VALIDATION))
    bases, learned = {}, {}
    for layer in useful_layers(answer_model, validation, layers) if chosen else layers:
        pair = (find_interchange(answer_model, train, layer), find_interchange(answer_model, validation, layer))
        values = np.concatenate([part.pairs.numbers for part in pair])
        states = np.concatenate([part.states.cpu().numpy() for part in pair])
        directions = rank or needed_rank(states, values, split)
        for start in range(seeds):
            found = learn_basis(answer_model, *pair, directions, training, derive_seed(seed, "subspace", layer, start))
            bases[layer, start] = found.basis
            learned[f"{layer}/{start}"] = {"steps": found.steps, "loss": found.loss}
    described = {
        **metadata,
        "candidates": layer_order({*layers, *more}),
        "pairs": asdict(drawn),
        "training": asdict(training),
        "seed": seed,
        "learned": learned,
    }
    return Subspaces(described, bases)


def useful_layers(answer_model: AnswerModel, pairs: AskedPairs, layers: Sequence[str]) -> list[str]:
    """Return two of the layers: the first, and the deepest at which the whole state carries the operand to the answer.

    At the deepest, interchange of the whole state gives at least half as many counterfactual answers as at the first.
    Beyond it, later tokens have already read the operand; if that holds beyond the first, the second layer is taken.

    Parameters
    ----------
    answer_model, pairs
        The model, and pairs that are not test pairs.
    layers
        Names of layers, in order.
    """
    followed = [whole_state_accuracy(answer_model, find_interchange(answer_model, pairs, layer)) for layer in layers]
    carry = [place for place, share in enumerate(followed) if share > 0 and share >= followed[0] / 2]
    deepest = max([min(1, len(layers) - 1), *carry])
    return list(dict.fromkeys([layers[0], layers[deepest]]))


def whole_state_accuracy(answer_model: AnswerModel, interchange: Interchange) -> float:
    """Return the share of counterfactual answers when the operand's whole states are replaced by the source's."""
    edits = interchange.edits(None, interchange.pairs.reaches[-1])
    answers = answer_model.answers(interchange.pairs.base, edits).values
    return float((answers == interchange.pairs.table["number"].to_numpy()).mean())
