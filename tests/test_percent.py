"""Shares in per cent."""

import pytest

from numprobe.percent import per_cent


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0"), (1, "100"), (0.5, "50"), (0.285, "28"), (0.004, "0.4"), (0.9996, "99.96"), (0.997, "99.7"),
        (0.0003, "0.03"), (1e-6, "<0.01"), (1 - 1e-6, ">99.99"), (-0.004, "-0.4"), (1e-17, "0"), (1 - 1e-16, "100"),
    ],
)  # fmt: skip
def test_a_share_looks_certain_only_where_it_is(share, shown):
    assert per_cent(share) == shown


def test_decimals_are_kept():
    assert [per_cent(share, 1) for share in (0, 0.8, 0.99961, 1)] == ["0.0", "80.0", "99.96", "100.0"]
