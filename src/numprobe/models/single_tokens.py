"""Count of the numbers that are single tokens, by a tokenizer's file alone: before any model is opened.

The Snakefile asks while it builds the graph, so `transformers` is not imported: `tokenizers` takes 20 ms.
"""

from collections.abc import Iterable
from pathlib import Path

from numprobe.models.gguf.header import read_header
from numprobe.models.tokenizer_file import read_tokenizer_file

# How byte-level and SentencePiece vocabularies write a space.
_SPACES = "Ġ▁ "
_TOKENS = "tokenizer.ggml.tokens"


def count_single_tokens(folder: str | Path, numbers: range) -> int | None:
    """Return how many of some numbers are one token when they stand alone.

    Parameters
    ----------
    folder
        A model folder. Its `tokenizer.json` is read.
    numbers
        The numbers.

    Returns
    -------
    int or None
        None if the folder has no `tokenizer.json`, so that it cannot be told.

    Raises
    ------
    NumprobeError
        If the file is damaged.
    """
    if not (Path(folder) / "tokenizer.json").is_file():
        return None
    tokenizer = read_tokenizer_file(Path(folder))
    numerals = [str(number) for number in numbers]
    encoded = tokenizer.encode_batch(numerals, add_special_tokens=False)
    return sum(_written(one.tokens) == [numeral] for one, numeral in zip(encoded, numerals, strict=True))


def _written(tokens: Iterable[str]) -> list[str]:
    """The tokens without spaces, and without those that are nothing else."""
    return [text for token in tokens if (text := token.strip(_SPACES))]


def count_vocabulary_entries(gguf: str | Path, numbers: range) -> int:
    """Return how many of some numbers a GGUF file's vocabulary holds: at least as many as are single tokens.

    The two are equal wherever a vocabulary's entries can be reached, and where texts are cut into digits.

    Raises
    ------
    NumprobeError
        If the file cannot be read.
    """
    tokens = read_header(gguf, lists=(_TOKENS,)).metadata.get(_TOKENS)
    held = set(_written(tokens)) if isinstance(tokens, list) else set()
    return sum(str(number) in held for number in numbers)
