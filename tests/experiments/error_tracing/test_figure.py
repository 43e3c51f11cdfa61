import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.error_tracing.figure import draw_fates, draw_layers, fate_rows, layer_rows
from numprobe.experiments.error_tracing.measure import TRACING
from numprobe.status import not_applicable
from numprobe.tables import measurements

LAYERS = ("1", "2", "final_norm")
#: Never, lost at layer 2 and at the last one, kept.
SHARES = {
    ("wrong", "truth"): (0.4, 0.3, 0.1, 0.2),
    ("wrong", "opposite"): (0.9, 0.05, 0.02, 0.03),
    ("wrong", "permuted"): (0.95, 0.03, 0.01, 0.01),
    ("right", "truth"): (0.0, 0.0, 0.02, 0.98),
}


def tracing_table(models=("llama", "phi3"), wrong=200, shares=SHARES) -> pl.DataFrame:
    """Two operations and both kinds of labels, all alike."""
    rows = []
    for model in models:
        for operation in "+-":
            for labels in ("truth", "answer"):
                common = {"model": model, "context": "result", "subset": f"operation={operation}", "labels": labels}
                common |= {"probe": "fourier", "resampled": "values"}

                def row(metric, value, n=wrong, common=common, **columns):
                    bounds = {"ci_low": value - 0.02, "ci_high": value + 0.02, "n_prompts": n, "n_values": n}
                    return {**common, "metric": metric, "value": value, **bounds, **columns}

                for (answered, target), (never, second, last, kept) in shares.items():
                    at = {"answered": answered, "target": target, "n": wrong if answered == "wrong" else 1000 - wrong}
                    rows += [row("never", never, **at), row("lost", second + last, **at), row("kept", kept, **at)]
                    rows += [row("traced", 1 - never, **at), row("lost_at", second, layer="2", **at)]
                    rows += [row("lost_at", last, layer="final_norm", **at)]
                    if answered == "wrong" and target != "truth":
                        excess = never - shares["wrong", "truth"][0]
                        rows.append(row("excess_traced", excess, **at))
                for layer, breaks, corrects in (("2", 0.05, 0.6), ("final_norm", 0.2, 0.1)):
                    at = {"answered": "all", "layer": layer, "n": 1000}
                    rows += [
                        row("breaks", breaks, target="truth", **at),
                        row("corrects", corrects, target="truth", **at),
                    ]
                    for metric in ("breaks", "corrects"):
                        common_chance = {**common, "metric": metric, "value": 0.15, "target": "independent"}
                        rows.append({**common_chance, "answered": "all", "layer": layer})
                at = {"answered": "wrong", "target": "truth"}
                rows += [row("instead_at_last", 0.7, kind="power of ten", **at)]
                rows += [row("instead_at_last", 0.3, kind="other number", **at)]
                rows += [row("answer_at_last", 0.6, answered="wrong", target="answer")]
    return measurements(rows, TRACING)


def test_the_fates_of_the_truth_stand_beside_those_of_the_nulls():
    figure = draw_fates(fate_rows(tracing_table()))
    assert len(figure.axes) == 4
    axes = figure.axes[0]
    widths = [round(patch.get_width(), 3) for patch in axes.patches]
    # kept, then the layers from the last to the first, then never
    assert widths[:4] == [0.2, 0.1, 0.3, 0.4]
    assert sum(widths) == pytest.approx(4)
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["truth", "2 x answer - truth"]
    assert {"llama", "phi3", "+", "-", "200 wrong answers", "share of the prompts"} <= set(texts(figure))
    assert legend(figure)[0] == "read at the last state" and legend(figure)[-1] == "never read"


def test_operations_with_a_handful_of_errors_are_said_to_have_them():
    figure = draw_fates(fate_rows(tracing_table(wrong=3)))
    assert {"3 wrong answers", "fewer than 10 prompts"} <= set(texts(figure))
    assert all(len(axes.collections) <= 1 for axes in figure.axes)


def test_the_untrained_control_is_a_line_over_each_bar():
    control = tracing_table(shares={key: (0.25, 0.75, 0.0, 0.0) for key in SHARES})
    control = control.filter(labels="truth").with_columns(control=pl.lit("untrained"))
    drawn = fate_rows(pl.concat([tracing_table(), control]))
    assert drawn.filter(control="untrained")["metric"].unique().to_list() == ["traced"]
    figure = draw_fates(drawn)
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[0.75, 0.75]] * 4
    assert legend(figure)[-1] == "read at some layer, untrained"
    assert [patch.get_width() for patch in figure.axes[0].patches] == [
        patch.get_width() for patch in draw_fates(fate_rows(tracing_table())).axes[0].patches
    ]
    assert layer_rows(pl.concat([tracing_table(), control])).equals(layer_rows(tracing_table()))


def test_layers_that_break_and_correct_stand_beside_independent_ones():
    figure = draw_layers(layer_rows(tracing_table()))
    curves = [line.get_ydata().tolist() for line in figure.axes[0].lines]
    assert curves[-1] == [0.05, 0.2] and curves[-2] == [0.6, 0.1]
    assert legend(figure) == ["breaks", "corrects", "breaks, independent layers", "corrects, independent layers"]
    assert "share of all prompts" in texts(figure)


@pytest.mark.parametrize(("choose", "draw"), [(fate_rows, draw_fates), (layer_rows, draw_layers)])
def test_models_that_cannot_answer_are_named(choose, draw):
    skipped = measurements([{"model": "minilm", "context": "result", **not_applicable("encoder")}], TRACING)
    figure = draw(choose(pl.concat([tracing_table(), skipped])))
    assert len(figure.axes) == 6
    assert any("not applicable" in text for text in texts(figure))


@pytest.mark.parametrize("choose", [fate_rows, layer_rows])
def test_tables_that_cannot_be_drawn_are_refused(choose):
    with pytest.raises(NumprobeError, match="lacks the columns labels"):
        choose(tracing_table().drop("labels"))
    with pytest.raises(NumprobeError, match="nothing to draw"):
        choose(tracing_table().filter(pl.col("metric") == "reads"))
