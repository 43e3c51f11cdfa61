"""Use a thing while the next one is made."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def overlap(things: Iterable[T], use: Callable[[T], None]) -> None:
    """Use things in their order on a thread of its own, each while the next one is made; errors of both are raised.

    They are made on the calling thread: torch keeps workers and memory for every thread that computes, and a forward
    pass on a new one takes up to a tenth longer. Two things exist at a time.
    """
    used: Future[None] | None = None
    with ThreadPoolExecutor(max_workers=1) as pool:
        for thing in things:
            if used is not None:
                used.result()
            used = pool.submit(use, thing)
        if used is not None:
            used.result()
