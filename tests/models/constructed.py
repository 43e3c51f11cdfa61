"""A model of known mechanism: numbers stand twice in its states, and its answers are computed from one of the two.

Every number has a wave code, which a probe of waves reads, also for numbers that it has not seen, and a decoy code: a
random direction of its own, of which nothing follows for unseen numbers. Both say the number exactly. A model with
`reads = "code"` answers what the waves say, one with `reads = "decoy"` what the decoys say.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import LlamaConfig, PreTrainedTokenizerFast

from models.tiny import word_tokenizer

NUMBERS, WIDTH, LAYERS = 100, 48, 3
#: Periods of the wave code.
PERIODS = (2, 5, 10, 100)
_DECOYS = 28
_SHARPNESS = 300.0


class ArithmeticModel(nn.Module):
    """Sums and differences of 0..99 in symbols, `a + b = ` and `a - b = `, with the tokens of `word_tokenizer`.

    Layers 0 to 3: the state of a number's token is the sum of its two codes, in all layers. Block 2 computes at the
    last token: it reads both numbers from their tokens' states, and adds both codes of the result. The head reads
    the last state. So an operand can be changed at its token in the layers 0 and 1, a result at the last token in 2 and
    3. Reading is a softmax over all numbers, so gradients flow.

    Parameters
    ----------
    reads
        "code" or "decoy": which of the two codes block 2 and the head read.
    """

    def __init__(self, reads: str = "code") -> None:
        super().__init__()
        self.tokenizer = word_tokenizer()
        self.config = LlamaConfig(
            num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=4, vocab_size=len(self.tokenizer)
        )
        self.codes = {"code": _waves() @ _frame()[:, : 2 * len(PERIODS)].T, "decoy": _decoys() @ _decoy_frame().T}
        self.reads = self.codes[reads]
        ids = [self.tokenizer.convert_tokens_to_ids(str(n)) for n in range(NUMBERS)]
        self.base_model = _Stream(self.tokenizer, torch.tensor(ids), sum(self.codes.values()), self._compute)
        self.eval()

    def forward(self, ids: torch.Tensor, **settings: Any) -> SimpleNamespace:
        """Logits of the token after the sequence, [batch, 1, vocabulary]: the numbers' alone are finite."""
        last = self.base_model(ids)[:, -1]
        logits = torch.full((len(ids), self.config.vocab_size), -1e9, dtype=last.dtype, device=last.device)
        logits[:, self.base_model.ids] = _SHARPNESS * last @ self.reads.T
        return SimpleNamespace(logits=logits[:, None])

    def states(self, values: np.ndarray) -> np.ndarray:
        """float64 [n, width]: states of operands at their tokens, of results at the last one in layers 2 and 3."""
        return self.base_model.rows[torch.as_tensor(np.asarray(values))].double().numpy()

    def _compute(self, a: torch.Tensor, b: torch.Tensor, minus: torch.Tensor) -> torch.Tensor:
        first, second = (torch.softmax(_SHARPNESS * state @ self.reads.T, dim=-1) for state in (a, b))
        c, number = torch.arange(NUMBERS)[:, None], torch.arange(NUMBERS)
        added, subtracted = (_convolve(first, second, needed) for needed in (c - number, c + number))
        likely = torch.where(minus[:, None], subtracted, added)
        return likely @ sum(self.codes.values())


def _convolve(first: torch.Tensor, second: torch.Tensor, needed: torch.Tensor) -> torch.Tensor:
    """Probability of every result: `needed[c, b]` is the first operand that gives c with b."""
    exists = (needed >= 0) & (needed < NUMBERS)
    return torch.einsum("nb,ncb->nc", second, first[:, needed.clip(0, NUMBERS - 1)] * exists)


class _Stream(nn.Module):
    """The model without its head."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, ids: torch.Tensor, rows: torch.Tensor, compute: Any) -> None:
        super().__init__()
        self.ids, self.rows, self.minus = ids, rows, tokenizer.convert_tokens_to_ids("-")
        self.embedding = nn.Embedding(len(tokenizer), WIDTH)
        self.embedding.weight.data.zero_()
        self.embedding.weight.data[ids] = rows
        self.layers = nn.ModuleList([_Block(compute if block == 1 else None) for block in range(LAYERS)])
        self.norm = nn.Identity()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.embedding(ids)
        places = torch.isin(ids, self.ids).nonzero()[:, 1].reshape(len(ids), 2)
        for block in self.layers:
            hidden = block(hidden, places, (ids == self.minus).any(dim=1))
        return self.norm(hidden)


class _Block(nn.Module):
    def __init__(self, compute: Any) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, hidden: torch.Tensor, places: torch.Tensor, minus: torch.Tensor) -> torch.Tensor:
        if self.compute is None:
            return hidden
        rows = torch.arange(len(hidden))
        added = self.compute(hidden[rows, places[:, 0]], hidden[rows, places[:, 1]], minus)
        return torch.cat([hidden[:, :-1], hidden[:, -1:] + added[:, None]], dim=1)


def _frame() -> torch.Tensor:
    """[width, width], orthonormal: first the planes of the waves, then the directions of the decoys."""
    random = np.random.default_rng(0).standard_normal((WIDTH, WIDTH))
    return torch.from_numpy(np.linalg.qr(random)[0]).float()


def _decoy_frame() -> torch.Tensor:
    return _frame()[:, 2 * len(PERIODS) : 2 * len(PERIODS) + _DECOYS]


def _waves() -> torch.Tensor:
    """[numbers, 2 periods], rows of norm 1."""
    angle = 2 * np.pi * np.arange(NUMBERS)[:, None] / np.array(PERIODS)
    return torch.from_numpy(np.hstack([np.cos(angle), np.sin(angle)]) / np.sqrt(len(PERIODS))).float()


def _decoys() -> torch.Tensor:
    """[numbers, directions], rows of norm 1."""
    rows = np.random.default_rng(1).standard_normal((NUMBERS, _DECOYS))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True)).float()


def wave_frame() -> np.ndarray:
    """float64 [width, 2 periods]: orthonormal columns that span the planes of the waves."""
    return _frame()[:, : 2 * len(PERIODS)].double().numpy()


def decoy_frame() -> np.ndarray:
    """float64 [width, directions]: orthonormal columns that span the decoys."""
    return _decoy_frame().double().numpy()
