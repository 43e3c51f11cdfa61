"""Language models whose blocks are functions that a test gives, behind the interface of `transformers`.

They answer `programmed_questions`. The residual stream starts at null, each block is a function of the questions and
of the states, and the head is given: its rows score the numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from models.tiny import tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions, find_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES

#: Numbers 0..199, all of them tokens.
NUMBERS = 200
WIDTH = 32
PERIODS = (2, 5, 10, 100, 200)
#: (rows int64 [n] of the questions, states float32 [n, tokens, width]) -> new states.
Block = Callable[[np.ndarray, torch.Tensor], torch.Tensor]

_WORDS = " ".join(
    sorted(
        {word for forms in ARITHMETIC_TEMPLATES.values() for form in forms for word in form.split() if word.isalpha()}
    )
)


def programmed_questions(operations: Sequence[str] = ("+", "-"), per_value: int = 2) -> Questions:
    """Questions whose operands and results are tokens, none of them twice."""
    prompts = result_prompts(0, NUMBERS - 1, 0, "result", list(operations), per_value).unique(
        "text", maintain_order=True
    )
    return find_questions(prompts, NumberTokenizer(word_tokenizer(words=_WORDS)))


def programmed_answer_model(questions: Questions, blocks: Sequence[Block], head: np.ndarray) -> AnswerModel:
    """A causal model of these blocks that answers the number with the largest score, `head` [numbers, width] . state.

    The final norm scales a state and changes no answer.
    """
    tokenizer = word_tokenizer(words=_WORDS)
    model: Any = tiny_model(
        "llama", head=True, num_hidden_layers=len(blocks), hidden_size=head.shape[1], vocab_size=len(tokenizer)
    )
    row_of = {tuple(questions.sequences(np.array([row]))[0].tolist()): row for row in range(len(questions))}
    asked: dict[str, np.ndarray] = {}

    def remember(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        asked["rows"] = np.array([row_of[tuple(ids)] for ids in args[0].tolist()])

    model.register_forward_pre_hook(remember)
    model.model.layers = nn.ModuleList(_Computed(block, asked) for block in blocks)
    ids = tokenizer.convert_tokens_to_ids([str(number) for number in range(len(head))])
    with torch.no_grad():
        model.model.embed_tokens.weight.zero_()
        model.model.norm.weight.fill_(1.0)
        model.lm_head.weight.zero_()
        model.lm_head.weight[ids] = torch.from_numpy(np.asarray(head, dtype=np.float32))
    return AnswerModel(model, NumberTokenizer(tokenizer))


class _Computed(nn.Module):
    def __init__(self, block: Block, asked: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._block, self._asked = block, asked

    def forward(self, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return self._block(self._asked["rows"], hidden_states)


def adds_to_last(change: np.ndarray) -> Block:
    """A block that adds a row of `change`, float [questions, width], to the last token of each question."""

    def block(rows: np.ndarray, states: torch.Tensor) -> torch.Tensor:
        added = torch.zeros_like(states)
        added[:, -1] = torch.from_numpy(np.asarray(change[rows], dtype=np.float32))
        return states + added

    return block


def planes(count: int, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    """Orthonormal rows, float64 [count, width]."""
    return np.asarray(np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0][:count])


def wave_code(values: np.ndarray) -> np.ndarray:
    """cos and sin of every period, float64 [n, 2 * periods]: wave p in columns 2 p and 2 p + 1."""
    angle = 2 * np.pi * np.asarray(values)[:, None] / np.array(PERIODS)
    return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(len(angle), -1)
