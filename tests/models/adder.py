"""A model that adds and subtracts with one of two sets of waves, each of which says the number."""

from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import LlamaForCausalLM

from models.tiny import tiny_config, word_tokenizer

NUMBERS, WIDTH, LAYERS = 100, 24, 3
#: Periods of the waves that the model uses, and of those that it does not: either set tells all numbers apart, and no
#: linear map leads from one to the other.
USED, UNUSED = (10, 100), (4, 25)
RANK = 2 * len(USED)
_SHARPNESS = 30.0


class Adder(LlamaForCausalLM):
    """Answers `a + b = ` and `a - b = ` for 0..99 (results modulo 100), with the tokens of `word_tokenizer`.

    The state of a number's token holds its waves in the spaces `used` and `unused`, beside a random part of its own, in
    all layers. Block 2 multiplies the waves of both operands in `used` as complex numbers, which adds their phases, and
    writes the result into that space of the last token, from where the head reads it.

    Parameters
    ----------
    unused
        Periods of the waves in the space `unused`.
    """

    def __init__(self, unused: tuple[int, int] = UNUSED) -> None:
        super().__init__(tiny_config("llama", hidden_size=WIDTH, num_hidden_layers=LAYERS, tie_word_embeddings=False))
        tokenizer = word_tokenizer()
        frame = np.linalg.qr(np.random.default_rng(0).standard_normal((WIDTH, WIDTH)))[0]
        self.used, self.unused, rest = frame[:, :RANK], frame[:, RANK : 2 * RANK], frame[:, 2 * RANK :]
        numbers = np.arange(NUMBERS)
        waves = _waves(numbers, USED)
        own = 0.3 * np.random.default_rng(1).standard_normal((NUMBERS, rest.shape[1]))
        rows = waves @ self.used.T + _waves(numbers, unused) @ self.unused.T + own @ rest.T
        ids = tokenizer.convert_tokens_to_ids([str(n) for n in range(NUMBERS)])
        self.model.embed_tokens.weight.data.zero_()
        self.model.embed_tokens.weight.data[ids] = torch.from_numpy(rows).float()
        self.model.embed_tokens.weight.data[tokenizer.convert_tokens_to_ids("-"), :] = torch.from_numpy(rest[:, 0])
        self.model.layers = nn.ModuleList([_Same(), _Add(self.used, rest[:, 0]), _Same()])
        self.model.norm = nn.Identity()
        self.lm_head = _Head(waves @ self.used.T, ids, self.config.vocab_size)
        self.eval()


class _Same(nn.Module):
    def forward(self, hidden: torch.Tensor, **settings: Any) -> torch.Tensor:
        return hidden


class _Add(nn.Module):
    def __init__(self, used: np.ndarray, minus: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("used", torch.from_numpy(used).float())
        self.register_buffer("minus", torch.from_numpy(minus).float())

    def forward(self, hidden: torch.Tensor, **settings: Any) -> torch.Tensor:
        # Tokens: <s> a + b =
        sign = 1 - 2 * (hidden[:, 2] @ self.minus).round()
        (ca, sa), (cb, sb) = ((hidden[:, token] @ self.used).chunk(2, dim=-1) for token in (1, 3))
        sb = sb * sign[:, None]
        result = torch.cat([ca * cb - sa * sb, sa * cb + ca * sb], dim=-1) @ self.used.T
        return torch.cat([hidden[:, :-1], result[:, None]], dim=1)


class _Head(nn.Module):
    def __init__(self, rows: np.ndarray, ids: list[int], vocabulary: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.from_numpy(rows).float())
        self.ids, self.vocabulary = ids, vocabulary

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = torch.full((*hidden.shape[:-1], self.vocabulary), -1e4)
        logits[..., self.ids] = _SHARPNESS * hidden @ self.rows.T
        return logits


def _waves(values: np.ndarray, periods: tuple[int, ...]) -> np.ndarray:
    """[n, 2 periods]: cosines, then sines."""
    angle = 2 * np.pi * values[:, None] / np.array(periods)
    return np.hstack([np.cos(angle), np.sin(angle)])
