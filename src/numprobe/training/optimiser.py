"""Optimisers and learning-rate schedule of the small models."""

import math

import torch
from torch import nn

from numprobe.training.muon import Muon

_WARM_UP = 0.03
_FINAL = 0.02
_BETAS = (0.9, 0.98)


def build_optimisers(model: nn.Module, rates: tuple[float, float, float]) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside the blocks, and AdamW for embeddings, head and norms.

    Parameters
    ----------
    model
        A causal language model of transformers.
    rates
        Peak learning rates of block matrices, embeddings and norms.
    """
    block, embedding, norm = rates
    named = dict(model.named_parameters())
    matrices = [value for name, value in named.items() if value.ndim == 2 and ".layers." in name]
    tables = [value for name, value in named.items() if value.ndim == 2 and ".layers." not in name]
    vectors = [value for value in named.values() if value.ndim == 1]
    muon = Muon(matrices, lr=block, momentum=0.95, weight_decay=0.1)
    groups = [{"params": tables, "lr": embedding}, {"params": vectors, "lr": norm}]
    adam = torch.optim.AdamW(groups, betas=_BETAS, weight_decay=0.0, fused=True)
    for optimiser in (muon, adam):
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return [muon, adam]


def rate_factor(step: int, steps: int) -> float:
    """Return the factor on the peak learning rates at step 0..steps-1: linear warm-up over 3 %, cosine to 2 %."""
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - 1 - warm_up)
    return _FINAL + (1 - _FINAL) * (1 + math.cos(math.pi * progress)) / 2


def set_rates(optimisers: list[torch.optim.Optimizer], factor: float) -> None:
    """Set every group's learning rate to `factor` times its peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = factor * group["peak"]
