"""A logit lens: the model's own final norm and head, applied to the state of any layer."""

from typing import Any

import numpy as np
import torch

from numprobe.models.architecture import locate_parts

FINAL_NORM = "final_norm"


def head_probabilities(model: Any, states: np.ndarray, layer: str) -> np.ndarray:
    """Return the probabilities of the next token that the head of a model gives to states, float32 [n, vocabulary].

    Parameters
    ----------
    model
        A causal language model with its head.
    states
        float32 [n, width].
    layer
        Name of the states; `final_norm` is not normalised again.
    """
    parts, head = locate_parts(model), model.get_output_embeddings()
    with torch.inference_mode():
        hidden = torch.from_numpy(np.ascontiguousarray(states)).to(head.weight.device, head.weight.dtype)
        if layer != FINAL_NORM and parts.final_norm is not None:
            hidden = parts.final_norm(hidden)
        logits = _scaled(head(hidden).float(), parts.config)
        return np.asarray(logits.softmax(dim=-1).cpu().numpy())


def _scaled(logits: torch.Tensor, config: Any) -> torch.Tensor:
    """Return logits as the model's class scales them: Cohere, Falcon H1, Granite, Gemma 2 and their kin."""
    for factor in ("logit_scale", "lm_head_multiplier"):
        logits = logits * (getattr(config, factor, None) or 1.0)
    logits = logits / (getattr(config, "logits_scaling", None) or 1.0)
    cap = getattr(config, "final_logit_softcapping", None)
    return logits if not cap else cap * torch.tanh(logits / cap)
