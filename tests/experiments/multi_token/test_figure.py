import numpy as np
import polars as pl
import pytest

from draw.fake_tables import states
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.multi_token import measure, preceding, superposition
from numprobe.experiments.multi_token.figure import draw_multi_token, multi_token_rows
from numprobe.experiments.multi_token.preceding_figure import draw_preceding, preceding_rows
from numprobe.experiments.multi_token.superposition_figure import draw_superposition, superposition_rows
from numprobe.status import not_applicable
from numprobe.tables import measurements


def measured(value, **columns):
    half = 0.02
    return {"value": value, "ci_low": max(value - half, 0), "ci_high": min(value + half, 1), **columns}


def multi_token_table(models=("llama", "olmo2"), blocks=4, formats=("second",), most=3):
    rows = []
    for model in models:
        for form in formats:
            for tokens in range(1, most + 1):
                common = {"model": model, "context": form, "tokens": tokens, "probe": "fourier", "seed": 0}
                places = [(layer, at) for layer in states(blocks) for at in ("last", "next")]
                for layer, at in [*places, (None, "selected")]:
                    place = {**common, "layer": layer, "position": at}
                    accuracies = 0.95 ** np.arange(1, tokens + 1)
                    for chunk, value in enumerate(accuracies):
                        rows.append(measured(value, **place, chunk=chunk, metric="accuracy"))
                    rows.append(measured(accuracies.prod() + 0.02, **place, metric="joint_accuracy"))
                    rows.append(measured(accuracies.prod(), **place, metric="product_accuracy"))
                for control in ("shuffled", "untrained", "constant"):
                    at = {"position": "selected", "metric": "joint_accuracy", "control": control}
                    rows.append(measured(0.001, **common, **at))
    rows.append({"model": "minilm", "context": "multi_token", "metric": "accuracy", **not_applicable("no reason")})
    return measurements(rows, measure.EXTRA)


def preceding_table(models=("llama", "olmo2"), layers=("2",)):
    rows = [
        measured(0.9**offset * (0.5 + 0.1 * place), model=model, context="preceding", layer=layer, kind=kind,
                 offset=offset, reader=reader, control=control, metric="accuracy", n_values=170, candidates=900)
        for model in models
        for layer in layers
        for kind in ("numbers", "words")
        for offset in range(4)
        for place, reader in enumerate(("fourier", "embedding", "lens"))
        if (kind, reader) != ("words", "fourier")
        for control in ("none", "untrained", "shuffled")
    ]  # fmt: skip
    rows.append({"model": "minilm", "context": "preceding", "metric": "accuracy", **not_applicable("encoder")})
    return measurements(rows, preceding.EXTRA)


def test_whole_numbers_stand_beside_the_product_and_the_controls():
    figure = draw_multi_token(multi_token_rows(multi_token_table()))
    names = legend(figure)
    assert names[:3] == ["whole number", "product of its tokens", "whole number, read one token later"]
    assert {"shuffled", "untrained", "constant"} <= set(names)
    found = texts(figure)
    assert {"last token", "1 before it", "2 before it"} <= set(found)
    assert {"1 token", "2 tokens", "3 tokens", "llama second", "chosen", "layer"} <= set(found)
    assert found.count("not applicable: no reason") == 3


def test_published_products_are_drawn_for_the_model_of_the_paper():
    figure = draw_multi_token(multi_token_rows(multi_token_table(("llama-3.1-8b",))))
    assert "published product" in legend(figure)
    assert "published product" not in legend(draw_multi_token(multi_token_rows(multi_token_table())))


def test_deep_models_and_long_numbers_fit():
    table = multi_token_table([f"model-{n}" for n in range(3)], blocks=40, formats=("first", "second"), most=5)
    found = texts(draw_multi_token(multi_token_rows(table)))
    assert "model-2 first" in found and "5 tokens" in found and "4 before it" in found


def test_numbers_stand_beside_words_and_the_probe_beside_the_lens():
    figure = draw_preceding(preceding_rows(preceding_table()))
    assert {"fourier probe", "embedding probe", "tuned lens", "most frequent token"} <= set(legend(figure))
    found = texts(figure)
    assert {"random numbers", "random words", "llama layer 2", "900 candidates, 170 unseen tokens"} <= set(found)
    assert found.count("not applicable: encoder") == 2
    # Of words there is no fourier probe.
    numbers, words = figure.axes[:2]
    assert len(numbers.lines) - len(words.lines) == 4


def test_every_layer_has_a_row():
    found = texts(draw_preceding(preceding_rows(preceding_table(("llama-3.2-1b",), ("4", "8")))))
    assert {"llama-3.2-1b layer 4", "llama-3.2-1b layer 8", "published"} <= set(found)


def test_planted_numbers_are_drawn_against_the_noise():
    rows = [
        measured(0.9, model="planted", numbers=size, noise=noise, width=64, metric=metric, place=place)
        for size in (1, 2)
        for noise in (0.0, 0.5)
        for metric, place in (("accuracy", 0), ("joint_accuracy", None), ("product_accuracy", None))
    ]
    found = texts(draw_superposition(superposition_rows(measurements(rows, superposition.EXTRA))))
    assert {"1 number in one vector", "2 numbers in one vector", "0.5"} <= set(found)


@pytest.mark.parametrize("select", [multi_token_rows, preceding_rows, superposition_rows])
def test_tables_that_cannot_be_drawn_are_refused(select):
    with pytest.raises(NumprobeError, match="lacks the columns"):
        select(pl.DataFrame({"model": ["m"]}))
    extra = {**measure.EXTRA, **preceding.EXTRA, **superposition.EXTRA}
    with pytest.raises(NumprobeError, match="no rows"):
        select(measurements([], extra))
    with pytest.raises(NumprobeError, match="nothing to draw"):
        select(measurements([{"model": "m", "metric": "r2", "value": 0.5}], extra))
