"""The probe that stands for all."""

import pytest

from numprobe.draw.style import PROBES
from numprobe.probes.codes import CODES
from numprobe.probes.leading import SIDE_BY_SIDE, choose_leading


@pytest.mark.parametrize(
    ("probes", "leading"),
    [(["digits", "fourier"], "fourier"), (["linear", "digits"], "linear"), (["wave"], "wave")],
)
def test_fourier_leads_where_it_is_else_the_first(probes, leading):
    assert choose_leading(probes) == leading


def test_the_leading_probe_is_the_first_of_those_side_by_side_and_of_the_legends():
    assert choose_leading(list(CODES)) == SIDE_BY_SIDE[0] == next(iter(PROBES))
    assert set(SIDE_BY_SIDE) <= set(CODES)
