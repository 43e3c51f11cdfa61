import polars as pl
import pytest

from draw.geometry_tables import frequencies_table, shared_frequencies_table
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.frequencies.figure import draw_frequencies, frequencies_rows
from numprobe.experiments.frequencies.shared_figure import draw_shared_frequencies, shared_frequencies_rows
from numprobe.measure.collect import collect

REASON = "its numbers are several tokens"


def test_the_figure_of_waves_names_what_it_shows():
    figure = draw_frequencies(frequencies_rows(frequencies_table()))
    found = set(texts(figure))
    assert {"llama", "minilm", "100 numbers", "spectrum of each layer", "sparsity", "n mod T", "norm"} <= found
    assert any(text.startswith("not applicable") for text in found)
    assert "untrained" in legend(figure)


def test_the_heat_map_is_brightest_at_the_planted_periods():
    image = draw_frequencies(frequencies_rows(frequencies_table())).axes[0].images[0].get_array()
    assert image.shape == (7, 50)
    assert sorted((image[0].argsort()[-2:] + 1).tolist()) == [10, 20]


def test_forty_layers_keep_readable_labels():
    figure = draw_frequencies(frequencies_rows(frequencies_table({"deep": 40})))
    texts(figure)
    assert len(figure.axes[0].get_yticks()) < 14


def test_the_figure_of_overlaps_names_models_controls_and_counts():
    figure = draw_shared_frequencies(shared_frequencies_rows(shared_frequencies_table()))
    found = set(texts(figure))
    assert {"input embeddings, top 20", "top 10", "top 50", "with minilm", "other words", "shuffled numbers"} <= found


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns frequency, period"):
        frequencies_rows(frequencies_table().drop("frequency", "period"))
    with pytest.raises(NumprobeError, match="no rows of metric power_share"):
        plain = frequencies_table().filter(pl.col("status") == "measured")
        frequencies_rows(plain.with_columns(pl.lit("r2").alias("metric")))
    with pytest.raises(NumprobeError, match="no rows of metric iou"):
        shared_frequencies_rows(shared_frequencies_table().with_columns(pl.lit("r2").alias("metric")))


def test_waves_tell_below_of_models_that_have_hidden_states_and_in_its_panels_of_others():
    table = frequencies_table()
    name = table.filter(pl.col("value").is_not_null())["model"][0]
    found = texts(
        draw_frequencies(
            frequencies_rows(collect([table], [f"digits:vocabulary:{REASON}", f"{name}:vocabulary:{REASON}"]))
        )
    )
    assert f"{name}, vocabulary: not applicable: {REASON}" in found
    assert sum(f"not applicable: {REASON}" == text for text in found) == 3


def test_overlaps_tell_below_of_models_that_have_no_embeddings():
    line = f"digits, vocabulary: not applicable: {REASON}"
    skipped = collect([shared_frequencies_table()], [f"digits:vocabulary:{REASON}"])
    assert line not in texts(draw_shared_frequencies(shared_frequencies_rows(shared_frequencies_table())))
    assert line in texts(draw_shared_frequencies(shared_frequencies_rows(skipped)))
