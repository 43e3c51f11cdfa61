"""The style of figures, where they are drawn."""

import pytest


@pytest.fixture(autouse=True)
def _style(request):
    if request.path.name == "test_figure.py":
        # Other tests need not wait for matplotlib.
        from numprobe.draw.style import use_style

        use_style()
