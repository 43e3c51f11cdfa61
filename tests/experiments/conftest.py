"""The style of figures, where they are drawn; whatever they draw can be read."""

import pytest


@pytest.fixture(autouse=True)
def _style(request, monkeypatch):
    if request.path.name != "test_figure.py":
        yield  # Other tests need not wait for matplotlib.
        return
    from draw.inspection import faults_of_all
    from numprobe.draw.style import use_style

    use_style()
    with faults_of_all(monkeypatch) as found:
        yield
    assert found == []
