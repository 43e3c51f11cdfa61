"""The tokenizer of a GGUF file: built by transformers, its splits set as in the file, and checked against the file."""

import json
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.gguf.byte_pairs import BytePairs
from numprobe.models.gguf.read_vocabulary import read_vocabulary
from numprobe.models.gguf.scored_pieces import SPACE, ScoredPieces
from numprobe.models.gguf.vocabulary import Vocabulary
from numprobe.models.probe_texts import PROBES


def read_tokenizer(path: str | Path) -> Any:
    """Return the fast tokenizer of a GGUF file.

    Raises
    ------
    NumprobeError
        If the file's vocabulary is not supported, or the tokenizer disagrees with the file.
    """
    from transformers import PreTrainedTokenizerFast
    from transformers.utils import logging

    path = Path(path)
    vocabulary = read_vocabulary(path)
    logging.set_verbosity_error()
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(path.parent, gguf_file=path.name)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise NumprobeError(f"the tokenizer in {path} cannot be read: {error}") from error
    _cut_as_the_file_says(tokenizer, vocabulary)
    check_tokenizer(tokenizer, vocabulary, path)
    return tokenizer


def _cut_as_the_file_says(tokenizer: Any, vocabulary: Vocabulary) -> None:
    """Set how texts are split: transformers knows few of the rules and uses GPT-2's for others."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    backend = tokenizer.backend_tokenizer
    if isinstance(vocabulary, BytePairs):
        splits = [pre_tokenizers.Split(Regex(one), "isolated") for one in vocabulary.split.expressions]
        backend.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(False, use_regex=False)])
        backend.model.ignore_merges = vocabulary.split.whole_first
    elif isinstance(vocabulary, ScoredPieces):
        prefix = [normalizers.Prepend(SPACE)] if vocabulary.prefixed else []
        backend.normalizer = normalizers.Sequence([*prefix, normalizers.Replace(" ", SPACE)])
        backend.pre_tokenizer = None


def check_tokenizer(tokenizer: Any, vocabulary: Vocabulary, path: Path) -> None:
    """Compare a tokenizer with the vocabulary of its file: every token, every merge, and the tokens of `PROBES`.

    Raises
    ------
    NumprobeError
        If they differ.
    """
    size = len(vocabulary.tokens)
    if tokenizer.convert_ids_to_tokens(list(range(size))) != vocabulary.tokens or len(tokenizer) != size:
        raise _differs(path, "its tokens are not those of the file")
    if isinstance(vocabulary, BytePairs):
        merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
        if [tuple(merge) for merge in merges] != vocabulary.merges:
            raise _differs(path, "its merges are not those of the file")
    for text in (*PROBES, *(f"{token}5 {token}" for token in vocabulary.whole[:3])):
        made, expected = tokenizer(text)["input_ids"], vocabulary.encode(text)
        if made != expected:
            raise _differs(path, f"{text!r} becomes {made}, by the file it is {expected}")


def _differs(path: Path, reason: str) -> NumprobeError:
    return NumprobeError(f"{path}: transformers builds another tokenizer: {reason}")
