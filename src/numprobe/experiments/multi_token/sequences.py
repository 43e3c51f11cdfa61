"""States at the last of several random tokens, all numbers or all words, to measure what they keep of the others."""

import re
from collections.abc import Sequence

import numpy as np
import torch

from numprobe.activations.extract import extract_states
from numprobe.models.architecture import Architecture
from numprobe.models.tokens import NumberTokenizer
from numprobe.seeding import generator

_WORD = re.compile(r"[^\W\d_]+")


def number_candidates(numbers: NumberTokenizer, values: range) -> dict[int, int]:
    """Return single-token number -> id, for numbers with the largest number of digits only.

    Adjacent numbers of different lengths would be tokenised otherwise as text: 12 345 becomes 123 45.
    """
    found, _ = numbers.number_tokens(values)
    longest = max((len(str(value)) for value in found), default=0)
    return {value: id for value, id in found.items() if len(str(value)) == longest}


def word_candidates(numbers: NumberTokenizer, texts: Sequence[str]) -> dict[int, int]:
    """Return index -> id of the words of some texts that are one token after a space, in alphabetical order from 0."""
    words = sorted({word.lower() for text in texts for word in _WORD.findall(text)})
    unknown = numbers.tokenizer.unk_token_id
    ids: dict[int, int] = {}
    for word, encoded in zip(words, numbers.encode([f"a {word}" for word in words]), strict=True):
        over = numbers.overlapping(encoded, 2, 2 + len(word))
        if len(over) == 1 and encoded.ids[over[0]] != unknown:
            ids[int(encoded.ids[over[0]])] = len(ids)
    return {index: id for id, index in ids.items()}


def draw_sequences(candidates: int, length: int, rows: int, seed: int, name: str) -> np.ndarray:
    """Draw indices of candidates, int64 [rows, length]: at each place all equally often to within one."""
    random = generator(seed, "preceding", name)
    balanced = np.resize(np.arange(candidates), rows)
    return np.column_stack([random.permutation(balanced) for _ in range(length)])


def last_states(
    parts: Architecture, numbers: NumberTokenizer, tokens: np.ndarray, layers: Sequence[str], batch_tokens: int
) -> dict[str, np.ndarray]:
    """Return the states at the last of some tokens after the model's usual prefix.

    Parameters
    ----------
    parts
        The model.
    numbers
        Its tokenizer, for the prefix.
    tokens
        int64 [rows, length]: token ids.
    layers
        Names of states.
    batch_tokens
        Maximum number of tokens per batch.

    Returns
    -------
    dict
        Layer to float32 [rows, width].
    """
    plain = numbers.encode(["1"])[0]
    prefix = plain.ids[: int(np.flatnonzero(plain.ends > 0)[0])]
    fed = np.hstack([np.tile(prefix, (len(tokens), 1)), tokens])
    size = max(1, batch_tokens // fed.shape[1])
    parts_of = []
    for start in range(0, len(fed), size):
        batch = torch.from_numpy(fed[start : start + size])
        where = (np.arange(len(batch)), np.full(len(batch), fed.shape[1] - 1))
        parts_of.append(extract_states(parts, batch, where, layers))
    return {layer: np.concatenate([part[layer] for part in parts_of]) for layer in layers}
