"""Refuse input that is given as text but is not valid text."""

import re

from numprobe.errors import NumprobeError
from numprobe.lfs import START

#: Maximum number of characters of a text. No model reads that many; a book has a tenth of them.
LONGEST = 10_000_000

# Number of characters shown in a message on each side of a place.
_AROUND = 40
_NUL = "\0"
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_text(text: str, where: str) -> None:
    """Refuse a text with a problem (`text_problem`).

    Parameters
    ----------
    text
        Any text.
    where
        Start of the message: the file and line, or the argument.

    Raises
    ------
    NumprobeError
        If the text has a problem.
    """
    problem = text_problem(text)
    if problem is not None:
        raise NumprobeError(f"{where}: {problem}")


def text_problem(text: str) -> str | None:
    """Return why a text could not be read, or would be read as other numbers than were written; None for a valid text.

    Problems are NUL characters, bytes that are not UTF-8 (`errors="surrogateescape"`), lone surrogates, a length above
    `LONGEST`, and Git LFS pointers.
    """
    if _NUL in text:
        return f"character {text.index(_NUL)} is NUL, as in UTF-16 that is taken for UTF-8: save it as UTF-8"
    if not text.isascii() and (found := _SURROGATE.search(text)) is not None:
        return f"not UTF-8 ({_describe(found[0])} at character {found.start()}): save it as UTF-8"
    if len(text) > LONGEST:
        return f"longer than {LONGEST:,} characters, which no model reads: divide it into several texts"
    if text.startswith(START):
        return "a Git LFS pointer, not the text itself: run `git lfs pull` where it was cloned, or download it again"
    return None


def excerpt(text: str, start: int = 0, end: int = 0) -> str:
    """Return a text in quotes for a message; of a long text, the part around the given characters."""
    if len(text) <= 4 * _AROUND:
        return repr(text)
    first, last = max(start - _AROUND, 0), end + _AROUND
    return repr("..." * (first > 0) + text[first:last] + "..." * (last < len(text)))


def _describe(surrogate: str) -> str:
    code = ord(surrogate)
    return f"byte 0x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"half of a character (\\u{code:04x})"
