"""Process several layers in parallel, each of which takes many products of small matrices."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> Iterator[Result]:
    """Yield the result for each item, in order; meanwhile NumPy and SciPy use one thread per product.

    Their thread pools interfere with each other in small products: the closed form at small widths takes several times
    as long with all threads as with one. Sums do not depend on `threads`.

    Parameters
    ----------
    work
        Processes an item; its NumPy and SciPy calls run in parallel with those of other items.
    items
        All items.
    threads
        Number of items processed in parallel.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)
