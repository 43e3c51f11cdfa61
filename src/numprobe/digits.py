"""Decimal digits of numbers by place; place 0 is the units."""

import numpy as np

_NAMES = ("units", "tens", "hundreds")


def place_name(place: int) -> str:
    """Return "units", "tens", "hundreds", "10^3", ..."""
    return _NAMES[place] if place < len(_NAMES) else f"10^{place}"


def places(largest: int) -> range:
    """Return the places of the numbers up to `largest`."""
    return range(len(str(largest)))


def has_place(numbers: np.ndarray, place: int) -> np.ndarray:
    """Return whether each number has a digit at a place, bool of any shape; 0 has units."""
    return np.asarray(numbers >= (10**place if place else 0))


def digit_at(numbers: np.ndarray, place: int) -> np.ndarray:
    """Return the digit of each number at a place, int64 of any shape; -1 where it has none."""
    return np.where(has_place(numbers, place), numbers // 10**place % 10, -1)
