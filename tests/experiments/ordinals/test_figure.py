import polars as pl
import pytest

from draw.geometry_tables import ordinals_table
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.ordinals.figure import draw_ordinals, ordinals_rows


def test_the_figure_names_sets_models_and_what_is_missing():
    figure = draw_ordinals(ordinals_rows(ordinals_table()))
    found = texts(figure)
    assert {"months (12)", "letters (26)"} <= set(found)
    assert any("llama keeps too few single: chinese 2/11" in text for text in found)
    assert "read by the probe of digits" in legend(figure)


def test_every_model_has_both_readings_and_its_control():
    panel = draw_ordinals(ordinals_rows(ordinals_table())).axes[0]
    assert sorted(line.get_linestyle() for line in panel.lines).count("--") == 3
    assert sorted(line.get_linestyle() for line in panel.lines).count(":") == 3


def test_a_study_without_such_words_still_has_its_figure():
    table = ordinals_table().filter(pl.col("status") != "measured")
    assert any("no set is kept" in text for text in texts(draw_ordinals(ordinals_rows(table))))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns fit_context"):
        ordinals_rows(ordinals_table().drop("fit_context"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy"):
        ordinals_rows(
            ordinals_table().filter(pl.col("status") == "measured").with_columns(pl.lit("r2").alias("metric"))
        )
