"""Show each loading warning of `transformers` once."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging as library

_shown: set[str] = set()


def warn_once(message: str) -> None:
    """Print a warning to stderr, unless this process has printed it before."""
    if message not in _shown:
        _shown.add(message)
        print(f"warning: {message}", file=sys.stderr)


@contextmanager
def library_warnings(shown: bool = True) -> Iterator[None]:
    """Collect the warnings of `transformers` and show each once; without this they are silent.

    Parameters
    ----------
    shown
        If false, discard them.
    """
    collected = _Collected()
    library.disable_default_handler()
    library.add_handler(collected)
    library.set_verbosity_warning()
    try:
        yield
    finally:
        library.set_verbosity_error()
        library.remove_handler(collected)
        library.enable_default_handler()
        if shown:
            for message in collected.messages:
                warn_once(message)


class _Collected(logging.Handler):
    """The messages that were logged, each in one line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message of a record."""
        self.messages.append(" ".join(record.getMessage().split()))
