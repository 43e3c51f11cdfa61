import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.shared_code.figure import SERIES, draw_shared_code, draw_sources, shared_code_rows
from numprobe.experiments.shared_code.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements

MODELS = {"llama": ["olmo2", "minilm"], "olmo2": ["llama", "minilm"], "minilm": ["llama", "olmo2"]}
LEVELS = {"shared": ("none", 0.8), "own": ("none", 0.9), "shuffled": ("shuffled", 0.0), "random": ("random", 0.001)}


def _rows(blocks):
    for model, sources in MODELS.items():
        for context, layers in (("vocabulary", ["embedding"]), ("number", list(map(str, range(blocks + 1))))):
            for layer in layers:
                place = {"model": model, "context": context, "layer": layer, "probe": "fourier", "metric": "accuracy"}
                low_high = {"ci_low": 0.0, "ci_high": 1.0, "n_values": 445}
                for code, (control, value) in LEVELS.items():
                    names = {"code": code, "control": control, "source": " + ".join(sources)}
                    yield {**place, **low_high, **names, "value": value}
                for at, source in enumerate(sources):
                    yield {**place, **low_high, "code": "one model", "source": source, "value": 0.25 + at / 4}


def table(blocks=4, more=()):
    return measurements([*_rows(blocks), *more], EXTRA)


@pytest.mark.parametrize("blocks", [4, 40])
def test_every_code_has_a_series_and_every_panel_its_sources(blocks):
    figure = draw_shared_code(shared_code_rows(table(blocks)), 1000)
    assert legend(figure) == [*SERIES, "chance (1/1000)"]
    found = texts(figure)
    assert {"vocabulary", "number", "layer", "445 numbers learned on olmo2, minilm", "445 numbers"} <= set(found)


def test_curves_pass_through_the_values():
    figure = draw_shared_code(shared_code_rows(table()), 1000)
    shared = {tuple(line.get_ydata()) for axes in figure.axes for line in axes.lines}
    assert (0.8,) * 5 in shared and (0.9,) * 5 in shared


def test_what_does_not_apply_is_said():
    skipped = {"model": "tiny", "context": "number", "metric": "accuracy", **not_applicable("no other model")}
    found = texts(draw_shared_code(shared_code_rows(table(more=[skipped])), 1000))
    assert "not applicable: no other model" in found and "not measured" in found


def test_the_matrix_places_each_source_in_its_column():
    figure = draw_sources(shared_code_rows(table()))
    (image,) = figure.axes[0].images
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "llama", "olmo2", "minilm", "all others", "own",
    ]  # fmt: skip
    assert image.get_array().filled(-1).tolist()[0] == [-1, 0.25, 0.5, 0.8, 0.9]
    assert {"vocabulary: embedding", "number: middle block", "code learned on", "read in"} <= set(texts(figure))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns code"):
        shared_code_rows(table().drop("code"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy"):
        shared_code_rows(table().with_columns(pl.lit("r2").alias("metric")))
