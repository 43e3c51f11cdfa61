"""Fit a tuned-lens translator (Belrose et al. 2023): an affine map of a state to the input of the output head."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from numprobe.seeding import derive_seed


@dataclass(frozen=True)
class LensSettings:
    """Settings of a translator's training: Adam, cosine learning-rate schedule, rows drawn with replacement.

    Learning rate and number of steps (a multiple of `evaluate_every`) are the best pair on validation values.
    """

    learning_rates: tuple[float, ...] = (1e-2, 3e-2)
    steps: int = 120
    batch: int = 128
    evaluate_every: int = 30


@dataclass(frozen=True, eq=False)
class Head:
    """The map from a translated state to scores of the candidates.

    Attributes
    ----------
    norm
        The model's final norm, or None.
    rows
        float32 [C, d]: the candidates' rows of the output matrix.
    bias
        float32 [C], or None.
    """

    norm: nn.Module | None
    rows: torch.Tensor
    bias: torch.Tensor | None


def output_head(model: Any, norm: nn.Module | None, candidates: list[int]) -> Head:
    """Return a causal model's head for some tokens, in float32, without any scale of all logits, which moves no argmax.

    Parameters
    ----------
    model
        A `transformers` model with its language-model head.
    norm
        Its final norm (`numprobe.models.architecture.Architecture.final_norm`).
    candidates
        Token ids.
    """
    head = model.get_output_embeddings()
    rows = head.weight.detach()[candidates].float()
    bias = head.bias.detach()[candidates].float() if getattr(head, "bias", None) is not None else None
    frozen = None if norm is None else deepcopy(norm).float().requires_grad_(False)
    return Head(frozen, rows, bias)


class Translator(nn.Module):
    """norm(h + A z + b) times the output rows, z the standardised state; A and b start at 0, the logit lens."""

    def __init__(self, head: Head, mean: torch.Tensor, scale: torch.Tensor) -> None:
        super().__init__()
        width = head.rows.shape[1]
        self.map = nn.Linear(width, width, device=head.rows.device)
        nn.init.zeros_(self.map.weight)
        nn.init.zeros_(self.map.bias)
        self._head, self._mean, self._scale = head, mean, scale

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return the logits of the candidates, [n, C]."""
        moved = states + self._scale * self.map((states - self._mean) / self._scale)
        normed = moved if self._head.norm is None else self._head.norm(moved)
        logits: torch.Tensor = normed @ self._head.rows.T
        return logits if self._head.bias is None else logits + self._head.bias


def fit_lens(
    states: np.ndarray,
    labels: np.ndarray,
    validation: np.ndarray,
    hidden: np.ndarray,
    head: Head,
    settings: LensSettings,
    seed: int,
) -> Translator:
    """Train a translator by cross entropy: choose rate and steps on validation values, then train on all rows.

    Parameters
    ----------
    states
        float [n, d], the training rows, validation rows included.
    labels
        int [n], index of the candidate.
    validation
        bool [n]: rows of the validation values.
    hidden
        bool [C]: held-out candidates, which are left out of every training softmax.
    head
        The model's head for the candidates.
    settings
        Training.
    seed
        Seed of the order of the rows.
    """
    rows, wanted = torch.as_tensor(states, dtype=torch.float32), torch.as_tensor(labels)
    rows, wanted = rows.to(head.rows.device), wanted.to(head.rows.device)
    checked = torch.as_tensor(validation)
    masked = torch.as_tensor(hidden).clone()
    masked[wanted[checked].cpu()] = True
    best, chosen = -1.0, (settings.learning_rates[0], settings.evaluate_every)
    for rate in settings.learning_rates:
        for step, lens in _training(rows[~checked], wanted[~checked], masked, head, settings, rate, seed):
            share = _accuracy(lens, rows[checked], wanted[checked]) if step % settings.evaluate_every == 0 else -1.0
            if share > best:
                best, chosen = share, (rate, step)
    training = _training(rows, wanted, torch.as_tensor(hidden), head, settings, chosen[0], seed)
    return next(lens for step, lens in training if step == chosen[1])


def _accuracy(lens: Translator, rows: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.inference_mode():
        return float((lens(rows).argmax(1) == labels).float().mean())


def _training(
    rows: torch.Tensor,
    labels: torch.Tensor,
    masked: torch.Tensor,
    head: Head,
    settings: LensSettings,
    rate: float,
    seed: int,
) -> Iterator[tuple[int, Translator]]:
    mean = rows.mean(0)
    scale = (rows - mean).square().mean().sqrt()
    lens = Translator(head, mean, scale)
    optimiser = torch.optim.Adam(lens.map.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    penalty = torch.where(masked, -torch.inf, 0.0).to(rows.device)
    random = torch.Generator().manual_seed(derive_seed(seed, "lens"))
    for step in range(1, settings.steps + 1):
        batch = torch.randint(len(rows), (settings.batch,), generator=random).to(rows.device)
        loss = nn.functional.cross_entropy(lens(rows[batch]) + penalty, labels[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        yield step, lens
