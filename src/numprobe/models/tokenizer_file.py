"""The `tokenizer.json` of a model folder, the reference that a tokenizer in use must agree with.

`transformers` rebuilds the normaliser, the pre-tokenizer and the model of the declared class, which gives other tokens
if the class does not fit the file. `transformers` is not imported here: `tokenizers` takes 20 ms.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.probe_texts import PROBES

_NAME = "tokenizer.json"
_TEXTS = [*PROBES, *map(str, range(1000))]
# Number of tokens shown in a message.
_SHOWN = 12


def read_tokenizer_file(folder: Path) -> Any:
    """Return the `tokenizers.Tokenizer` of a folder's `tokenizer.json`, which neither pads nor truncates.

    Raises
    ------
    NumprobeError
        If there is none, or it cannot be read, or it tokenises at random.
    """
    from tokenizers import Tokenizer

    file = folder / _NAME
    if not file.is_file():
        raise NumprobeError(
            f"the tokenizer of {folder} cannot be checked: the folder has no {_NAME}. Write one with "
            "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER), and check that its tokens are the model's"
        )
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more special
        raise NumprobeError(
            f"{file} cannot be read by tokenizers {version('tokenizers')} ({error}): it is damaged, or of a newer "
            "version. Download it again, update tokenizers, or save the tokenizer with this version"
        ) from error
    if getattr(tokenizer.model, "dropout", None):
        raise NumprobeError(f"{file} drops merges at random, so that a text has no fixed tokens: set `dropout` to null")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def first_difference(tokenizer: Any, file: Any) -> tuple[str, list[str], list[str]] | None:
    """Return the first test text that the tokenizer in use and the file tokenise differently, with both results.

    Parameters
    ----------
    tokenizer
        A fast `transformers` tokenizer.
    file
        The tokenizer of `read_tokenizer_file`.

    Returns
    -------
    tuple or None
        Text, tokens in use, tokens by the file; None if they agree on all of about a thousand texts.
    """
    used = tokenizer.backend_tokenizer
    used.no_padding()
    used.no_truncation()
    said = file.encode_batch(_TEXTS, add_special_tokens=False)
    try:
        written = used.encode_batch(_TEXTS, add_special_tokens=False)
    except Exception as error:  # tokenizers raises nothing more special
        return _TEXTS[0], [f"nothing ({error})"], said[0].tokens
    for text, one, other in zip(_TEXTS, written, said, strict=True):
        if one.ids != other.ids or one.tokens != other.tokens:
            return text, one.tokens, other.tokens
    return None


def readings(difference: tuple[str, Sequence[str], Sequence[str]], used: str) -> str:
    """Return a phrase with both readings of a text; `used` names the tokenizer in use."""
    text, tokens, said = difference
    return f"{used} writes {text!r} as {_shown(tokens)}, its {_NAME} as {_shown(said)}"


def _shown(tokens: Sequence[str]) -> str:
    return " | ".join(tokens[:_SHOWN]) + (f" | ... ({len(tokens)} tokens)" if len(tokens) > _SHOWN else "")
