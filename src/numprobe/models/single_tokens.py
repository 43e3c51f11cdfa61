"""Count the numbers that are single tokens from the tokenizer's file alone, before any model is opened.

The Snakefile does so while it builds the graph, so `transformers` is not imported: `tokenizers` takes 20 ms.
"""

from collections.abc import Iterable
from pathlib import Path

from numprobe.models.gguf.header import read_header
from numprobe.models.tokenizer_file import read_tokenizer_file

# Characters for a space in byte-level and SentencePiece vocabularies.
_SPACES = "Ġ▁ "
_TOKENS = "tokenizer.ggml.tokens"


def count_single_tokens(folder: str | Path, numbers: range) -> int | None:
    """Return how many of `numbers` are one token on their own.

    Parameters
    ----------
    folder
        A model folder. Its `tokenizer.json` is read.
    numbers
        The numbers.

    Returns
    -------
    int or None
        None if the folder has no `tokenizer.json`.

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
    """Return the tokens stripped of spaces, without those that are empty then."""
    return [text for token in tokens if (text := token.strip(_SPACES))]


def count_vocabulary_entries(gguf: str | Path, numbers: range) -> int:
    """Return how many of `numbers` are entries of a GGUF file's vocabulary, an upper bound on the single tokens.

    The bound is exact if merges can reach all of these entries, and if texts are split into digits.

    Raises
    ------
    NumprobeError
        If the file cannot be read.
    """
    tokens = read_header(gguf, lists=(_TOKENS,)).metadata.get(_TOKENS)
    held = set(_written(tokens)) if isinstance(tokens, list) else set()
    return sum(str(number) in held for number in numbers)
