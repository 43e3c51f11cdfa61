"""Control tokens that are no numbers, matched to numbers by frequency.

How often a pretrained model saw a token is unknown. Token ids stand in for frequencies, because merges and word lists
are ordered by frequency: the tokens whose ids are nearest to those of numbers are chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.models.tokens import NumberTokenizer

_BATCH = 4096


@dataclass(frozen=True)
class Vocabulary:
    """Words and numbers that are single tokens of one tokenizer.

    Attributes
    ----------
    plain
        Text without digits that is one token on its own -> id of that token.
    numbers
        Number that is a single token -> its id.
    """

    plain: dict[str, int]
    numbers: dict[int, int]


def read_vocabulary(tokenizer: NumberTokenizer, values: Sequence[int]) -> Vocabulary:
    """Return the single-token words and numbers of a tokenizer.

    Parameters
    ----------
    tokenizer
        The model's tokenizer.
    values
        The numbers of the study.
    """
    texts = _candidates(tokenizer)
    plain: dict[str, int] = {}
    for start in range(0, len(texts), _BATCH):
        part = texts[start : start + _BATCH]
        for text, encoded in zip(part, tokenizer.encode(part), strict=True):
            inside = encoded.ids[encoded.ends > 0]
            if len(inside) == 1 and inside[0] != tokenizer.tokenizer.unk_token_id:
                plain[text] = int(inside[0])
    return Vocabulary(plain, tokenizer.number_tokens(values)[0])


def _candidates(tokenizer: NumberTokenizer) -> list[str]:
    """Return the distinct written forms of all tokens without digits that are not special, sorted."""
    special = set(tokenizer.tokenizer.all_special_ids)
    ids = [id for id in sorted(tokenizer.tokenizer.get_vocab().values()) if id not in special]
    texts = {tokenizer.written(id) for id in ids}
    return sorted(text for text in texts if text.isprintable() and _is_word(text))


def _is_word(text: str) -> bool:
    return bool(text) and "\ufffd" not in text and not any(sign.isdigit() for sign in text)


def choose_matched(first: Vocabulary, second: Vocabulary) -> list[str]:
    """Return texts that are one token in both vocabularies, as many as common numbers, in the order of the first.

    The texts whose ids are nearest to ids of numbers are chosen, by the sum of their ranks in both vocabularies. There
    are fewer if the vocabularies have fewer words in common.
    """
    common = sorted(set(first.plain) & set(second.plain))
    count = len(set(first.numbers) & set(second.numbers))
    cost = _nearness(first, common) + _nearness(second, common)
    chosen = [common[place] for place in np.argsort(cost, kind="stable")[:count]]
    return sorted(chosen, key=lambda text: first.plain[text])


def _nearness(vocabulary: Vocabulary, texts: Sequence[str]) -> np.ndarray:
    """Return the rank of each text by the distance of its id to the nearest id of a number."""
    numbers = np.sort(list(vocabulary.numbers.values()))
    ids = np.array([vocabulary.plain[text] for text in texts], dtype=np.int64)
    if not len(numbers) or not len(ids):
        return np.zeros(len(ids))
    right = np.clip(np.searchsorted(numbers, ids), 0, len(numbers) - 1)
    distance = np.minimum(abs(numbers[right] - ids), abs(ids - numbers[np.maximum(right - 1, 0)]))
    return np.asarray(np.argsort(np.argsort(distance, kind="stable"), kind="stable"))
