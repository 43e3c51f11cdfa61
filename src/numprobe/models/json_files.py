"""Read and check the JSON files and vocabularies of a model folder."""

import codecs
import json
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.lfs import refuse_pointer
from numprobe.sealed import unreadable

# Files of the configuration and the tokenizer.
_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.*",
    "vocab.*",
    "merges.txt",
    "*.model",
)
_MARKS = {
    codecs.BOM_UTF8: "begins with a byte-order mark",
    codecs.BOM_UTF16_LE: "is UTF-16",
    codecs.BOM_UTF16_BE: "is UTF-16",
}


def read_model_json(path: str | Path) -> dict[str, Any]:
    """Return the content of a JSON file of a model.

    Raises
    ------
    NumprobeError
        If it cannot be read, is a Git LFS pointer, is not UTF-8 without a byte-order mark, or is no JSON object.
    """
    path = Path(path)
    _check_start(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NumprobeError(f"{path} is not valid JSON ({error}): correct it, or download it again") from error
    if not isinstance(content, dict):
        raise NumprobeError(f"{path} is not a JSON object: correct it, or download it again")
    return content


def check_small_files(folder: str | Path) -> None:
    """Refuse a model folder whose configuration or tokenizer files are Git LFS pointers, or have a byte-order mark.

    Raises
    ------
    NumprobeError
        Naming the file.
    """
    for path in sorted({path for pattern in _FILES for path in Path(folder).glob(pattern)}):
        if path.is_file():
            _check_start(path)


def _check_start(path: Path) -> None:
    refuse_pointer(path)
    try:
        with path.open("rb") as file:
            start = file.read(3)
    except OSError as error:
        raise unreadable(path, error) from None
    if path.suffix != ".json":
        return
    for mark, what in _MARKS.items():
        if start.startswith(mark):
            raise NumprobeError(
                f"{path} {what}, which transformers does not read: save it as UTF-8 without a byte-order mark"
            )
