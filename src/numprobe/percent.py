"""Shares shown in per cent, never rounded into certainty."""

# Distance from 0 or 100 per cent below which a share is 0 or 1 up to floating-point error.
_EXACT = 1e-9


def per_cent(share: float, decimals: int = 0) -> str:
    """Return a share in per cent, without the sign; with more decimals only where it would look like 0 or 100."""
    value = 100 * share
    if min(abs(value), abs(value - 100)) < _EXACT:
        return f"{abs(value):.{decimals}f}"
    for places in range(decimals, 3):
        shown = f"{value:.{places}f}"
        if float(shown) not in (0, 100):
            return shown
    return "<0.01" if value < 1 else ">99.99"
