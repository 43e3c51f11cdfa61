"""Refusal of files that are given as text and are none."""

import re

from numprobe.errors import NumprobeError
from numprobe.lfs import START

#: Characters of a text at the most. No model reads so many; a book has a tenth of them.
LONGEST = 10_000_000

# Characters that a message shows on each side of a place.
_AROUND = 40
_NUL = "\0"
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_text(text: str, where: str) -> None:
    """Refuse what `text_problem` finds.

    Parameters
    ----------
    text
        Any text.
    where
        What the message begins with: the file and line, or the argument.

    Raises
    ------
    NumprobeError
        If something keeps it from being read.
    """
    problem = text_problem(text)
    if problem is not None:
        raise NumprobeError(f"{where}: {problem}")


def text_problem(text: str) -> str | None:
    """Return why a text would be read as other numbers than were written, or could not be read; None for a text.

    It holds NUL characters, bytes that are not UTF-8 (`errors="surrogateescape"`) or halves of characters, is longer
    than `LONGEST`, or a Git LFS pointer.
    """
    if _NUL in text:
        return f"character {text.index(_NUL)} is NUL, as in UTF-16 that is taken for UTF-8: save it as UTF-8"
    if not text.isascii() and (found := _SURROGATE.search(text)) is not None:
        return f"not UTF-8 ({_describe(found[0])} at character {found.start()}): save it as UTF-8"
    if len(text) > LONGEST:
        return f"longer than {LONGEST:,} characters, which no model reads: divide it into texts"
    if text.startswith(START):
        return "a Git LFS pointer, not the text itself: run `git lfs pull` where it was cloned, or download it again"
    return None


def excerpt(text: str, start: int = 0, end: int = 0) -> str:
    """Return a text in quotes, for a message; of a long one what stands around some characters."""
    if len(text) <= 4 * _AROUND:
        return repr(text)
    first, last = max(start - _AROUND, 0), end + _AROUND
    return repr("..." * (first > 0) + text[first:last] + "..." * (last < len(text)))


def _describe(surrogate: str) -> str:
    code = ord(surrogate)
    return f"byte 0x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"half of a character (\\u{code:04x})"
