"""Make the next thing while the last one is used."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(things: Iterable[T]) -> Iterator[T]:
    """Pass things on, each made on a thread of its own while the one before it is used; errors arrive in order."""
    iterator, end = iter(things), object()
    following: Any
    with ThreadPoolExecutor(max_workers=1) as pool:
        following = pool.submit(next, iterator, end)
        while (thing := following.result()) is not end:
            following = pool.submit(next, iterator, end)
            yield thing
