"""The style of figures, in all tests of this folder; whatever they draw can be read."""

import pytest

from numprobe.draw.style import use_style

from .inspection import faults_of_all


@pytest.fixture(autouse=True)
def _style(request, monkeypatch):
    use_style()
    if request.path.name == "test_style.py":
        yield  # Its figures are to be saved, not to be read.
        return
    with faults_of_all(monkeypatch) as found:
        yield
    assert found == []
