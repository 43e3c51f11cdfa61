"""Work on several layers at once, where each takes many products of small matrices."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> Iterator[Result]:
    """Yield the result for each item, in order; meanwhile NumPy and SciPy have one thread for each product.

    They have a pool of threads each, which in small products stand in each other's way: the closed form at small widths
    takes several times as long by all threads as by one. Sums do not depend on `threads`.

    Parameters
    ----------
    work
        Takes an item; what NumPy and SciPy do in it runs beside that of other items.
    items
        All items.
    threads
        Items in work at once.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)
