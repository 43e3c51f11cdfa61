"""Learn the subspace whose interchange changes the answer as the number would.

Distributed alignment search: Geiger et al., Finding Alignments Between Interpretable Causal Variables and Distributed
Neural Representations, CLeaR 2024 (arXiv 2303.02536).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from numprobe.answers.ask import AnswerModel, Beginning
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.interchange import Interchange
from numprobe.seeding import derive_seed, generator


@dataclass(frozen=True)
class Training:
    """Settings of a basis's training: Adam with a learning rate that falls linearly to zero.

    Attributes
    ----------
    steps
        Number of updates.
    batch
        Pairs per update.
    rate
        Initial learning rate in units of the entries' initial standard deviation, so that it suits any width.
    every
        Steps between evaluations on the validation pairs; the basis with the smallest loss on them is kept.
    """

    steps: int = 200
    batch: int = 64
    rate: float = 0.3
    every: int = 50


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained basis, float32 [width, rank] with orthonormal columns; its steps and validation loss (nats)."""

    basis: np.ndarray
    steps: int
    loss: float


def learn_basis(
    answer_model: AnswerModel, train: Interchange, validation: Interchange, rank: int, training: Training, seed: int
) -> Learned:
    """Train the basis whose interchange makes the model give the counterfactual answers; the model is frozen.

    The earlier tokens of multi-token operands are set to the source's: the last alone cannot lead to these answers.

    Parameters
    ----------
    answer_model
        The model; its parameters no longer require gradients afterwards.
    train, validation
        Pairs at one layer, without a number in common.
    rank
        Number of directions.
    training
        Steps, batch and learning rate.
    seed
        Seed of the random start and of the batches.
    """
    answer_model.model.requires_grad_(False)
    device, width = answer_model.parts.device, train.states.shape[1]
    start = generator(seed, "start").standard_normal((width, rank))
    weights = torch.tensor(start, dtype=torch.float32, device=device, requires_grad=True)
    optimiser = torch.optim.Adam([weights], lr=training.rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, training.steps)
    best: Learned | None = None
    beginning = _beginning(answer_model, train)
    for step, rows in enumerate(_batches(train.pairs, training, seed), start=1):
        loss = answer_loss(answer_model, train, rows, _orthonormal(weights), beginning).mean()
        (weights.grad,) = torch.autograd.grad(loss, [weights])
        optimiser.step()
        falling.step()
        if step % training.every == 0 or step == training.steps:
            basis = _orthonormal(weights.detach())
            found = Learned(basis.cpu().numpy(), step, _mean_loss(answer_model, validation, basis))
            best = found if best is None or found.loss < best.loss else best
    assert best is not None
    return best


def _orthonormal(weights: torch.Tensor) -> torch.Tensor:
    basis: torch.Tensor = torch.linalg.qr(weights).Q
    return basis


def answer_loss(
    answer_model: AnswerModel,
    interchange: Interchange,
    rows: np.ndarray,
    basis: torch.Tensor,
    beginning: Beginning | None = None,
) -> torch.Tensor:
    """Return the cross entropy of the counterfactual answers, summed over their tokens, in nats [rows].

    Parameters
    ----------
    answer_model, interchange
        The model and the pairs; all tokens of multi-token operands are edited.
    rows
        int64 [rows]: pairs of one batch (`AskedPairs.batches`).
    basis
        float32 [width, rank], orthonormal columns.
    beginning
        Cached prefix of all bases.
    """
    answers = np.stack([interchange.pairs.answers[row] for row in rows])
    edits = interchange.edits(basis, interchange.pairs.reaches[-1])
    logits = answer_model.answer_logits(interchange.pairs.base, rows, answers, edits, beginning).float()
    wanted = torch.from_numpy(answers).to(logits.device)
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
    return losses.view(wanted.shape).sum(dim=1)


def _beginning(answer_model: AnswerModel, interchange: Interchange) -> Beginning | None:
    return answer_model.begin(interchange.pairs.base, interchange.edits(None, interchange.pairs.reaches[-1]))


def _mean_loss(answer_model: AnswerModel, interchange: Interchange, basis: torch.Tensor) -> float:
    with torch.inference_mode():
        beginning, batches = _beginning(answer_model, interchange), interchange.pairs.batches(answer_model.batch_tokens)
        parts = [answer_loss(answer_model, interchange, rows, basis, beginning).cpu() for rows in batches]
    return float(torch.cat(parts).mean())


def _batches(pairs: AskedPairs, training: Training, seed: int) -> Iterator[np.ndarray]:
    """Yield ascending rows with equally long questions and answers; lengths are drawn in proportion to their rows."""
    groups = list(pairs.batches(int(pairs.base.bounds[-1])))
    share = np.array([len(group) for group in groups]) / len(pairs)
    rng = np.random.default_rng(derive_seed(seed, "batches"))
    for _ in range(training.steps):
        group = groups[int(rng.choice(len(groups), p=share))]
        yield np.sort(rng.choice(group, min(training.batch, len(group)), replace=False))
