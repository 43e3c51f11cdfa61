import pytest

from draw.inspection import legend, texts
from experiments.replicates.rows import replicates_table
from numprobe.errors import NumprobeError
from numprobe.experiments.replicates.figure import draw_replicates, replicates, replicates_rows


def test_a_panel_shows_bands_over_trainings_and_bars_over_numbers():
    drawn = replicates_rows(replicates_table())
    figure = draw_replicates(drawn, 1000)
    assert len(figure.axes) == 2
    bands = ["95 % over trainings", "95 % over numbers, for given weights"]
    assert legend(figure) == ["fourier", "digits", *bands, "chance (1/1000)"]
    assert "5 trainings, 1000 values" in texts(figure)
    band, *_ = [part for part in figure.axes[0].collections if part.get_alpha()]
    of_digits = drawn.filter(probe="digits", context="number")
    edges = band.get_paths()[0].vertices[:, 1]
    assert edges.min() == pytest.approx(of_digits["trainings_low"].min())
    assert edges.max() == pytest.approx(of_digits["trainings_high"].max())


def test_transfer_and_other_probes_are_left_to_the_table():
    drawn = replicates_rows(replicates_table())
    assert set(drawn["probe"]) == {"fourier", "digits"}
    assert set(drawn["context"]) == {"number", "operand"}
    assert drawn.select("context", "layer", "probe").is_duplicated().sum() == 0


def test_what_is_drawn_is_returned():
    figure, drawn = replicates({"replicates": replicates_table()}, {"candidates": 1000})
    assert drawn.height == 8
    assert figure.axes


def test_a_table_of_transfer_alone_is_refused():
    table = replicates_table().filter(context="natural")
    with pytest.raises(NumprobeError, match="no rows of accuracies in the context of the fit"):
        replicates_rows(table)
