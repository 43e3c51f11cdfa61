"""Build the language model inside a multimodal model, without the other parts."""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText

from numprobe.models.architecture import locate_parts

# The names of a wrapper's weights -> those of its language model; the others are not loaded.
_INNER_NAMES = {
    r"^(?:model\.)?(?:language_model|text_model)\.(?:model\.)?(?!lm_head)": "model.",
    r"^language_model\.lm_head": "lm_head",
}


@dataclass(frozen=True)
class Build:
    """Instructions to build a model.

    Attributes
    ----------
    auto
        The `transformers` class that builds it.
    config
        The configuration that it is built and loaded with.
    options
        Further options for loading its weights.
    whole
        Whether the other parts of a multimodal model are built too.
    """

    auto: Any
    config: Any
    options: dict[str, Any] = field(default_factory=dict)
    whole: bool = False


def plan_build(config: Any, head: bool) -> Build:
    """Return how to build a model from its configuration; of a multimodal model, the language model inside.

    Parameters
    ----------
    config
        The `transformers` configuration.
    head
        Whether logits are needed. If the language model has no class with a head, the whole wrapper is built.
    """
    auto = AutoModelForCausalLM if head else AutoModel
    if getattr(config, "text_config", None) is None:
        return Build(auto, config)
    inner = _language_config(config)
    if head and type(inner) not in AutoModelForCausalLM._model_mapping:
        return Build(AutoModelForImageTextToText, config, whole=True)
    return Build(auto, inner, {"key_mapping": _INNER_NAMES})


def _language_config(config: Any) -> Any:
    """Return the configuration of the language model in a wrapper, with the wrapper's settings of head and weights."""
    inner = copy.deepcopy(config.text_config)
    inner.architectures = config.architectures
    inner.tie_word_embeddings = config.tie_word_embeddings
    if getattr(config, "quantization_config", None) is not None:
        inner.quantization_config = config.quantization_config
    return inner


def build_untrained(build: Build, seed: int, trust_remote_code: bool = False) -> Any:
    """Build a model with random weights, float32 on the CPU; they depend on the seed alone, with or without a head.

    Parameters
    ----------
    build
        How to build the model.
    seed
        Seed of the random weights.
    trust_remote_code
        Whether code that comes with the model may run.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build.auto.from_config(build.config, dtype=torch.float32, trust_remote_code=trust_remote_code)
    if build.whole:
        bare = build_untrained(plan_build(build.config, head=False), seed)
        locate_parts(model).base.load_state_dict(bare.state_dict())
    return model
