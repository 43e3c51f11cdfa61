"""Check that every token has a row in a model's matrices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.facts import language_config
from numprobe.models.weights import matrix_name, tensor_shapes

_REMEDY = (
    "use the tokenizer that belongs to the weights, or give the matrices more rows (model.resize_token_embeddings and "
    "save_pretrained)"
)


def matrix_rows(folder: str | Path, config: Mapping[str, Any]) -> int:
    """Return the number of rows of a model's input matrix, from its weights if present, else its configuration.

    Parameters
    ----------
    folder
        The model folder.
    config
        Its configuration with every default.
    """
    name = matrix_name(folder, "embedding")
    return tensor_shapes(folder)[name][0] if name is not None else int(language_config(config)["vocab_size"])


def check_vocabulary(tokenizer: Any, rows: int, prefix_token: str | None = None) -> None:
    """Refuse a tokenizer whose words, or whose tokens that are prepended to texts, have no row in the input matrix.

    Other added tokens may have none: they occur only if a text spells them out, and then `check_ids` refuses them.

    Parameters
    ----------
    tokenizer
        A fast tokenizer.
    rows
        Rows of the input matrix.
    prefix_token
        As `numprobe.models.source.ModelSource.prefix_token`.

    Raises
    ------
    NumprobeError
        Naming the first such token.
    """
    words = tokenizer.backend_tokenizer.get_vocab(with_added_tokens=False)
    names = (tokenizer.bos_token, tokenizer.eos_token, prefix_token)
    known = tokenizer.get_vocab()
    used = {name: known[name] for name in names if name in known}
    used |= {
        token: known[token] for token in tokenizer.convert_ids_to_tokens(tokenizer("").input_ids) if token in known
    }
    beyond = sorted((id, token) for token, id in {**words, **used}.items() if id >= rows)
    if beyond:
        id, token = beyond[0]
        raise NumprobeError(
            f"the tokenizer has tokens beyond the {rows} rows of the model's input matrix: {token!r} is {id} "
            f"({len(beyond)} in all): {_REMEDY}"
        )


def check_ids(largest: int, rows: int) -> None:
    """Refuse a token of a text that has no row in the input matrix.

    Raises
    ------
    NumprobeError
        If `largest` is not less than `rows`.
    """
    if largest >= rows:
        raise NumprobeError(
            f"a text holds token {largest}, but the model's input matrix has {rows} rows: {_REMEDY}, or leave the text "
            "out"
        )
