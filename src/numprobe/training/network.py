"""Build the networks: architectures of transformers at a size that trains in minutes on one core."""

import torch
from torch import nn
from torch.nn.functional import rms_norm
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedModel,
)

from numprobe.training.specification import Specification
from numprobe.training.tokenizer import BOS, EOS, PAD, SPECIAL

#: Longest text, in tokens.
POSITIONS = 256

_CLASSES = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "olmo2": (Olmo2Config, Olmo2ForCausalLM),
    "phi3": (Phi3Config, Phi3ForCausalLM),
}


def build_network(specification: Specification, vocabulary_size: int, seed: int) -> PreTrainedModel:
    """Build an untrained model in float32 without changing the global random state."""
    config_class, model_class = _CLASSES[specification.architecture]
    config = config_class(
        vocab_size=vocabulary_size,
        hidden_size=specification.hidden_size,
        intermediate_size=specification.mlp_size,
        num_hidden_layers=specification.n_layers,
        num_attention_heads=specification.heads,
        num_key_value_heads=specification.heads,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=specification.tied,
        pad_token_id=SPECIAL.index(PAD),
        bos_token_id=SPECIAL.index(BOS),
        eos_token_id=SPECIAL.index(EOS),
        use_cache=False,
        **({"original_max_position_embeddings": POSITIONS} if specification.architecture == "phi3" else {}),
    )
    # At five to fifteen tokens the fused attention kernel costs more than it saves.
    config._attn_implementation = "eager"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model_class(config)


class FusedNorm(nn.RMSNorm):
    """The architectures' RMSNorm, always in float32, by torch's fused operation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise the last axis; shape and dtype are kept."""
        return rms_norm(x.float(), self.normalized_shape, self.weight, self.eps).to(x.dtype)


def use_fused_norms(model: PreTrainedModel) -> None:
    """Replace every RMSNorm with `FusedNorm`, which computes the same faster; parameter names are kept."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child).__name__.endswith("RMSNorm") and not isinstance(child, FusedNorm):
                setattr(module, name, _fused(child))


def _fused(norm: nn.Module) -> FusedNorm:
    weight, epsilon = norm.get_parameter("weight"), float(norm.variance_epsilon)  # type: ignore[arg-type]
    fused = FusedNorm(weight.shape[0], eps=epsilon)
    fused.weight = nn.Parameter(weight.detach())
    return fused
