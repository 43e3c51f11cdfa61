"""Identity of the tokenizer (and so of the numbering of tokens) that a file was made with."""

import json
from hashlib import sha256
from typing import Any


def tokenizer_sha256(tokenizer: Any) -> str:
    """Return the sha256 of a fast tokenizer's definition, in hexadecimal.

    Padding and truncation are left out: every call with `padding=True` changes them, and they do not affect the token
    of a number.

    Parameters
    ----------
    tokenizer
        A `transformers.PreTrainedTokenizerFast`.
    """
    definition = json.loads(tokenizer.backend_tokenizer.to_str())
    definition.pop("padding", None)
    definition.pop("truncation", None)
    return sha256(json.dumps(definition, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
