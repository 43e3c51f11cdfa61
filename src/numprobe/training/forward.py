"""Compute logits and loss at the scored tokens of a batch only."""

from contextlib import AbstractContextManager

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from numprobe.training.rows import Batch


def resolve_dtype(dtype: str) -> str:
    """Return "float32" or "bfloat16" for "auto": bfloat16 if the CPU has instructions for it, else it is very slow."""
    if dtype != "auto":
        return dtype
    capabilities = torch.cpu.get_capabilities()
    return "bfloat16" if any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) else "float32"


def precision(dtype: str) -> AbstractContextManager[None]:
    """Return a context that autocasts to bfloat16, or does nothing for "float32"."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bfloat16")


def scored_states(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the final states before the scored tokens, shape (scored, width), and their ids, shape (scored,).

    Padding is on the right only, so the causal mask hides it and no attention mask is needed.
    """
    tokens = torch.from_numpy(batch.tokens)
    positions = torch.from_numpy(batch.scored[:, 1:].reshape(-1).nonzero()[0])
    states = model.model(input_ids=tokens[:, :-1]).last_hidden_state.flatten(0, 1)
    return states.index_select(0, positions), tokens[:, 1:].flatten()[positions]


def loss_of(model: PreTrainedModel, batches: list[Batch]) -> torch.Tensor:
    """Return the sum over batches of weight times mean cross entropy of the scored tokens, in nats."""
    parts = [scored_states(model, batch) for batch in batches]
    weights = [
        torch.full((len(targets),), batch.weight / len(targets))
        for batch, (_, targets) in zip(batches, parts, strict=True)
    ]
    logits = model.lm_head(torch.cat([states for states, _ in parts]))
    losses = cross_entropy(logits.float(), torch.cat([targets for _, targets in parts]), reduction="none")
    return torch.dot(losses, torch.cat(weights))


@torch.no_grad()
def correct(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Return whether the model's most likely token is the true one: bool, shape (rows, scored tokens per row).

    Every row must score the same number of tokens.
    """
    states, targets = scored_states(model, batch)
    answers: torch.Tensor = model.lm_head(states).argmax(-1)
    return (answers == targets).reshape(len(batch.tokens), -1)
