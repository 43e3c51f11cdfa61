"""Interchange of a component of states, and the subspace whose interchange changes the answer as the number would.

Distributed alignment search: Geiger et al., Finding Alignments Between Interpretable Causal Variables and Distributed
Neural Representations, CLeaR 2024 (arXiv 2303.02536).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from numprobe.answers.ask import Asker
from numprobe.answers.edit import Change, Edit
from numprobe.answers.questions import Questions
from numprobe.interventions.pairs import AskedPairs
from numprobe.interventions.states import answers_and_states
from numprobe.seeding import derive_seed, generator


@dataclass(frozen=True)
class Training:
    """How a basis is trained: Adam with the learning rate `rate`, which falls linearly to zero.

    Attributes
    ----------
    steps
        Updates.
    batch
        Pairs in each.
    rate
        In units of the entries' standard deviation at the start, so that it suits states of any width.
    every
        After so many steps the validation pairs are answered; the basis with the smallest loss on them is kept.
    """

    steps: int = 200
    batch: int = 64
    rate: float = 0.3
    every: int = 50


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained basis: float32 [width, rank], orthonormal columns; after how many steps, and the loss (nats) there."""

    basis: np.ndarray
    steps: int
    loss: float


@dataclass(frozen=True, eq=False)
class Interchange:
    """Pairs with the states that the base's are changed to.

    Attributes
    ----------
    pairs
        The pairs.
    layer
        Name of the layer.
    states
        float32 [pairs, width], on the model's device: the source's state at its second operand.
    """

    pairs: AskedPairs
    layer: str
    states: torch.Tensor

    def edit(self, basis: torch.Tensor | None) -> Edit:
        """The base's component in the span of `basis` [width, rank] becomes the source's; None: the whole state."""
        return Edit(self.layer, self.pairs.tokens("base"), _exchange(basis, self.states))


def find_interchange(asker: Asker, pairs: AskedPairs, layer: str, source: str = "source") -> Interchange:
    """Pairs with the states of their sources ("source", or "same": the same second operand) at a layer."""
    questions = pairs.questions[source]
    _, states = answers_and_states(asker, questions, [layer], pairs.tokens(source))
    return Interchange(pairs, layer, torch.from_numpy(states[layer][pairs.order[source]]).to(asker.parts.device))


def _exchange(basis: torch.Tensor | None, source: torch.Tensor) -> Change:
    def change(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        moved = source[torch.from_numpy(rows).to(source.device)].to(states.device) - states.float()
        if basis is not None:
            moved = moved @ basis.to(states.device) @ basis.to(states.device).T
        return states.float() + moved

    return change


def learn_basis(
    asker: Asker, train: Interchange, validation: Interchange, rank: int, training: Training, seed: int
) -> Learned:
    """Train the basis whose interchange makes the model give the counterfactual answers; its weights stay as they are.

    Parameters
    ----------
    asker
        The model; its parameters no longer require gradients afterwards.
    train, validation
        Pairs at one layer, without a number in common.
    rank
        Directions.
    training
        Steps, batch and learning rate.
    seed
        Of the random start and of the batches.
    """
    asker.model.requires_grad_(False)
    device, width = asker.parts.device, train.states.shape[1]
    start = generator(seed, "start").standard_normal((width, rank))
    weights = torch.tensor(start, dtype=torch.float32, device=device, requires_grad=True)
    optimiser = torch.optim.Adam([weights], lr=training.rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, training.steps)
    best: Learned | None = None
    for step, rows in enumerate(_batches(train.pairs.base, training, seed), start=1):
        loss = _loss(asker, train, rows, _orthonormal(weights)).mean()
        (weights.grad,) = torch.autograd.grad(loss, [weights])
        optimiser.step()
        falling.step()
        if step % training.every == 0 or step == training.steps:
            basis = _orthonormal(weights.detach())
            found = Learned(basis.cpu().numpy(), step, _mean_loss(asker, validation, basis))
            best = found if best is None or found.loss < best.loss else best
    assert best is not None
    return best


def _orthonormal(weights: torch.Tensor) -> torch.Tensor:
    basis: torch.Tensor = torch.linalg.qr(weights).Q
    return basis


def _loss(asker: Asker, interchange: Interchange, rows: np.ndarray, basis: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the counterfactual answers, nats [rows]."""
    logits = asker.logits(interchange.pairs.base, rows, [interchange.edit(basis)]).float()
    answer = torch.from_numpy(interchange.pairs.answer[rows]).to(logits.device)
    return torch.nn.functional.cross_entropy(logits, answer, reduction="none")


def _mean_loss(asker: Asker, interchange: Interchange, basis: torch.Tensor) -> float:
    questions = interchange.pairs.base
    with torch.inference_mode():
        parts = [_loss(asker, interchange, rows, basis).cpu() for rows in questions.batches(asker.batch_tokens)]
    return float(torch.cat(parts).mean())


def _batches(questions: Questions, training: Training, seed: int) -> Iterator[np.ndarray]:
    """Rows of questions of one length, ascending; lengths are drawn as often as they occur."""
    groups = list(questions.batches(int(questions.bounds[-1])))
    share = np.array([len(group) for group in groups]) / len(questions)
    rng = np.random.default_rng(derive_seed(seed, "batches"))
    for _ in range(training.steps):
        group = groups[int(rng.choice(len(groups), p=share))]
        yield np.sort(rng.choice(group, min(training.batch, len(group)), replace=False))
