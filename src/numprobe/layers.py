"""The order of the names of states, and the name of the middle one."""

from collections.abc import Iterable

from numprobe.errors import NumprobeError

_FIRST = ("embedding",)
_LAST = ("final_norm", "unembedding")


def layer_order(names: Iterable[str]) -> list[str]:
    """Return state names without repeats, in the order in which a model computes them.

    Parameters
    ----------
    names
        "embedding", "0", "1", ..., "final_norm", "unembedding", in any order.

    Raises
    ------
    NumprobeError
        If a name is none of these.
    """
    return sorted(set(names), key=_depth)


def _depth(name: str) -> tuple[int, int]:
    if name in _FIRST:
        return (0, 0)
    if name in _LAST:
        return (2, _LAST.index(name))
    if name.isdecimal():
        return (1, int(name))
    raise NumprobeError(
        f"layer {name!r} is not the name of a state: expected embedding, 0, 1, ..., final_norm or unembedding"
    )


def middle_layer(names: Iterable[str]) -> str:
    """Return the state after the middle block, the layer nearest to round(L / 2) of L; it is fixed in advance.

    Raises
    ------
    NumprobeError
        If no name is a number.
    """
    numbers = [int(name) for name in names if name.isdecimal()]
    if not numbers:
        raise NumprobeError("the table has no layer 0, 1, ...: it cannot show the middle layer of the model")
    middle = round(max(numbers) / 2)
    return str(min(numbers, key=lambda number: (abs(number - middle), number)))
