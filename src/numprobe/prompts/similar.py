"""Find texts that are variants of one another and so must be in the same split."""

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def normalised(text: str) -> str:
    """Return a text without the differences that variants may have in numbers, case and spacing."""
    return " ".join(re.sub(r"\d+", "0", text).casefold().split())


def similar_groups(texts: Sequence[str]) -> np.ndarray:
    """Return the group of each text, an int array of shape (len(texts),).

    Two texts are variants if, after `normalised`, they hold the same sentences in any order, or would after leaving out
    one sentence of one or of each. Groups are the connected components: variants of variants belong together. Texts of
    one sentence are variants only of their exact copies (and of longer texts that hold them).

    Cost: one key per sentence; a key is the sum of the hashes of the sentences that stay.
    """
    keys: dict[int, int] = {}
    rows, columns = [], []
    for row, text in enumerate(texts):
        for key in _rests(text):
            rows.append(row)
            columns.append(keys.setdefault(key, len(keys)))
    size = len(texts) + len(keys)
    edges = (np.ones(len(rows), dtype=np.int8), (rows, np.asarray(columns, dtype=np.int64) + len(texts)))
    _, group = connected_components(coo_array(edges, shape=(size, size)), directed=False)
    return np.asarray(group[: len(texts)])


def _rests(text: str) -> list[int]:
    """Return the keys of the whole text and of the text without each one of its sentences."""
    sentences = [_hash(sentence) for part in _SENTENCE_END.split(text) if (sentence := normalised(part))]
    whole = sum(sentences)
    return [whole, *(whole - sentence for sentence in sentences if len(sentences) > 1)]


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")
