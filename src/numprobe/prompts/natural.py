"""The built-in passages: short English texts with numbers in them, in several domains."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Passage:
    """A text whose numbers are places to fill.

    Attributes
    ----------
    id
        Unique among the passages of its corpus.
    domain
        What the text is about.
    text_split
        "train" or "test".
    text
        The text, with the numbers that it was written with; every maximal run of digits is a slot.
    """

    id: str
    domain: str
    text_split: str
    text: str


def load_passages() -> list[Passage]:
    """Return all built-in passages, in the order of the file: six domains, about 30 % of each in the test split.

    The words of the training passages cover nearly all words of the test passages, so that a small model can take its
    vocabulary from the training passages alone.
    """
    return list(_passages())


@cache
def _passages() -> tuple[Passage, ...]:
    lines = Path(__file__).with_name("passages.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Passage(**json.loads(line)) for line in lines)
