"""The style of figures, in all tests of this folder."""

import pytest

from numprobe.draw.style import use_style


@pytest.fixture(autouse=True)
def _style():
    use_style()
