"""The probes that stand for all where few are shown."""

from collections.abc import Sequence

#: Probes that are shown side by side where there is no room for all: the leading one and its strongest simple rivals.
SIDE_BY_SIDE = ("fourier", "digits", "circular")


def choose_leading(probes: Sequence[str]) -> str:
    """Return the probe that stands for all where one is shown: `fourier`, or else the first of some."""
    return "fourier" if "fourier" in probes else probes[0]
