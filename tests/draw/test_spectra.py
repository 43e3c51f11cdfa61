import numpy as np
import polars as pl
import pytest

from numprobe.draw.spectra import draw_spectra, spectra_rows
from numprobe.errors import NumprobeError

from .fake_tables import spectra_table
from .inspection import legend, texts


def test_the_figure_names_states_periods_and_how_many_numbers():
    figure = draw_spectra(spectra_rows(spectra_table()))
    found = set(texts(figure))
    assert {"input embeddings", "output embeddings", "1000 numbers", "342 numbers", "kappa of n mod T"} <= found
    assert {"2", "2.5", "3.3", "4", "5", "10", "100"} <= found
    assert legend(figure)[:2] == ["input embeddings", "output embeddings"]


def test_the_peak_of_a_period_stands_at_its_frequency_whatever_the_count_of_numbers():
    for model, n in (("llama", 1000), ("minilm", 342)):
        figure = draw_spectra(spectra_rows(spectra_table().filter(pl.col("model") == model)))
        x, y = next(line.get_data() for line in figure.axes[0].lines if len(line.get_xdata()) == n // 2)
        peaks = [x[np.argmax(np.where(abs(x - 1 / period) < 0.04, y, 0))] for period in (2, 2.5, 5, 10)]
        assert peaks == pytest.approx([0.5, 0.4, 0.2, 0.1], abs=0.002)


def test_empty_panels_say_why():
    found = " | ".join(texts(draw_spectra(spectra_rows(spectra_table()))))
    assert "no output matrix of its own" in found
    assert "not applicable: fewer than 50" in found


def test_kappas_stand_beside_those_of_shuffled_numbers():
    figure = draw_spectra(spectra_rows(spectra_table().filter(pl.col("model") == "llama")))
    heights = [patch.get_height() for patch in figure.axes[-1].patches]
    assert heights == pytest.approx([0.98, 0.9, 0.85, 0.01, 0.01, 0.01])


def test_a_study_without_enough_numbers_still_has_its_figure():
    table = spectra_table().filter(pl.col("status") != "measured")
    assert any(text.startswith("not applicable") for text in texts(draw_spectra(spectra_rows(table))))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns frequency, N"):
        spectra_rows(spectra_table().drop("frequency", "N"))
    with pytest.raises(NumprobeError, match="no rows: nothing"):
        spectra_rows(spectra_table().clear())
    with pytest.raises(NumprobeError, match="no rows of metric power_share or kappa"):
        spectra_rows(spectra_table().filter(pl.col("status") == "measured").with_columns(pl.lit("r2").alias("metric")))
