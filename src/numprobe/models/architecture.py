"""The parts of a loaded Hugging Face model that hidden states are read from."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import nn

from numprobe.errors import NumprobeError
from numprobe.models.facts import ModelFacts, causal_span, facts_from_config, language_config, packs

# Attribute paths of the block list and of the final norm in the model families, relative to the headless model.
_BLOCKS = ("layers", "h", "blocks", "encoder.layer", "transformer.layer", "encoder.layers", "decoder.layers")
_FINAL_NORMS = (
    "norm",
    "ln_f",
    "final_layer_norm",
    "final_layernorm",
    "norm_f",
    "final_norm",
    "decoder.final_layer_norm",
    "layer_norm",
    "ln_out",
    "out_norm",
)
# LFM2 calls its final norm `embedding_norm`; in other families that is a norm of the embedding.
_NORMS_OF_KIND = {"lfm2": ("embedding_norm",), "lfm2_moe": ("embedding_norm",)}

# Attribute paths of the language model in multimodal wrappers, relative to `model.base_model`.
_LANGUAGE_MODELS = ("language_model", "text_model", "model.language_model", "model.text_model")


@dataclass(frozen=True)
class Architecture:
    """The parts of a model.

    Attributes
    ----------
    base
        The model without its language-model head.
    blocks
        The residual blocks, in order.
    final_norm
        The norm after the last block, or None.
    facts
        Facts from the configuration, checked against the parts.
    shares
        For a model type that is not listed, whether prefix sharing was measured to be right
        (`numprobe.activations.sharing`); None if it was not measured.
    """

    base: nn.Module
    blocks: tuple[nn.Module, ...]
    final_norm: nn.Module | None
    facts: ModelFacts
    shares: bool | None = None

    @property
    def input_matrix(self) -> nn.Parameter:
        """Embedding of every token, [vocabulary, width]."""
        embedding: Any = self.base
        return embedding.get_input_embeddings().weight  # type: ignore[no-any-return]

    @property
    def config(self) -> Any:
        """Configuration of the language model; for a multimodal wrapper, its text part."""
        return self.base.config

    @property
    def causal_span(self) -> float:
        """Longest sequence whose states do not depend on later tokens (`numprobe.models.facts.causal_span`)."""
        return causal_span(self.config.to_dict(), self.shares)

    @property
    def packs(self) -> bool:
        """True if several sequences can stand in one row (`numprobe.models.facts.packs`)."""
        return packs(self.config.to_dict(), self.shares)

    @property
    def device(self) -> torch.device:
        """Device for token ids. Under accelerate, parts may be stored on another device than they run on."""
        embedding: Any = self.base.get_input_embeddings()  # type: ignore[operator]
        works = getattr(getattr(embedding, "_hf_hook", None), "execution_device", None)
        return torch.device(self.input_matrix.device if works is None else works)


def locate_parts(model: Any, shares: bool | None = None) -> Architecture:
    """Find the parts of a `transformers` model, with or without its head; of a multimodal one, those of its text model.

    Parameters
    ----------
    model
        The model.
    shares
        As `Architecture.shares`.

    Raises
    ------
    NumprobeError
        If they cannot be found or disagree with the model's configuration.
    """
    config = model.config.to_dict()
    facts = facts_from_config(config)
    base = _language_model(model)
    blocks = _find(base, _BLOCKS)
    if not isinstance(blocks, nn.ModuleList):
        raise NumprobeError(f"the blocks of {type(base).__name__} were not found: it is not a supported architecture")
    if len(blocks) != facts.layers:
        raise NumprobeError(f"{type(base).__name__} has {len(blocks)} blocks, its config.json says {facts.layers}")
    final_norm = _find(base, _NORMS_OF_KIND.get(str(language_config(config)["model_type"]), _FINAL_NORMS))
    if (final_norm is not None) != facts.final_norm:
        found, said = ("one", "none") if final_norm is not None else ("none", "one")
        raise NumprobeError(f"{type(base).__name__}: {found} final norm was found where there should be {said}")
    return Architecture(base, tuple(blocks), final_norm, facts, shares)


def _language_model(model: Any) -> Any:
    """Return the language model without its head."""
    base = model.base_model
    if getattr(model.config, "text_config", None) is not None:
        base = _find(base, _LANGUAGE_MODELS)
        if base is None:
            name = type(model).__name__
            raise NumprobeError(f"the language model inside {name} was not found: it is not a supported architecture")
    # Llama 4's class with a head does not declare its base model.
    return getattr(base, "model", base)


def output_matrix(model: Any) -> nn.Parameter | None:
    """Return the output matrix of a model loaded with its head, [vocabulary, width]; None without a head."""
    head = model.get_output_embeddings()
    return None if head is None else head.weight


def _find(base: nn.Module, paths: tuple[str, ...]) -> nn.Module | None:
    for path in paths:
        try:
            found = attrgetter(path)(base)
        except AttributeError:
            continue
        if isinstance(found, nn.Module):
            return found
    return None
