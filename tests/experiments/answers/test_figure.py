import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.answers.figure import answers_rows, draw_answers
from numprobe.experiments.answers.measure import ANSWERED, TOO_FEW
from numprobe.status import not_applicable, too_few_answers
from numprobe.tables import measurements


def answers_table(models=("llama", "phi3"), wrong=200, layers=("1", "2", "final_norm"), lead=0.1) -> pl.DataFrame:
    """Two operations; the last layer holds the truth of 3 in 10 wrong answers, and half of the answers."""
    rows = []
    for model in models:
        for operation in "+-":
            common = {"model": model, "context": "result", "subset": f"operation={operation}", "resampled": "values"}

            def row(metric, answered, value, n, common=common, **columns):
                bounds = {"ci_low": value - 0.02, "ci_high": value + 0.02, "n_prompts": n, "n_values": n}
                return {**common, "metric": metric, "answered": answered, "value": value, **bounds, **columns}

            rows.append(row("model_accuracy", "all", 1 - wrong / 1000, 1000))
            rows.append({**row("answer_kind", "wrong", 0.7, wrong), "kind": "power of ten"})
            rows.append(row("error_auc", "all", 0.8, 1000, reader="model"))
            for place, layer in enumerate(layers):
                at = {"layer": layer, "probe": "fourier"}
                share = (place + 1) / len(layers)
                rows.append(row("reads_truth", "all", 0.8 * share, 1000, **at))
                rows.append(row("reads_truth", "right", 0.9 * share, 1000 - wrong, **at))
                rows.append(row("reads_truth", "wrong", 0.3 * share, wrong, **at))
                rows.append(row("reads_answer", "wrong", 0.5 * share, wrong, **at))
                rows.append(row("reads_truth", "all", 0.01, 1000, **at, control="shuffled"))
                rows.append(row("reads_truth", "wrong", 0.01, wrong, **at, control="shuffled"))
                rows.append(row("reads_truth", "all", 0.1, 1000, layer=layer, probe="linear"))
                rows.append(row("error_auc", "all", 0.9, 1000, **at))
                rows.append(row("error_auc_lead", "all", lead, 1000, **at))
                rows.append({**common, **at, "metric": "error_auc", "control": "shuffled", **too_few_answers(TOO_FEW)})
                rows.append(row("error_auc_unmatched", "all", 0.4, 1000, **at, control="shuffled"))
    return measurements(rows, ANSWERED)


def test_truth_and_answer_are_drawn_by_model_and_operation():
    figure = draw_answers(answers_rows(answers_table()), 1000)
    assert len(figure.axes) == 4
    found = texts(figure)
    assert {"llama", "phi3", "+", "-", "layer"} <= set(found)
    assert any("right 80.0 % of 1000" in text and "wrong and read: 200" in text for text in found)
    curves = [line.get_ydata().tolist() for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert curves[-1] == pytest.approx([0.3, 0.6, 0.9]) and len(curves) == 4
    assert legend(figure) == [
        "truth, model right",
        "truth, model wrong",
        "model's answer, model wrong",
        "truth, shuffled labels",
        "chance (1/1000)",
    ]


def test_a_handful_of_errors_makes_no_curve():
    figure = draw_answers(answers_rows(answers_table(wrong=4)))
    assert sum(len(line.get_xdata()) == 3 for line in figure.axes[0].lines) == 2
    assert any("wrong and read: 4, too few to draw" in text.replace("\n", " ") for text in texts(figure))


def test_models_that_cannot_answer_are_named():
    skipped = measurements([{"model": "minilm", "context": "result", **not_applicable("encoder")}], ANSWERED)
    figure = draw_answers(answers_rows(pl.concat([answers_table(), skipped])))
    assert len(figure.axes) == 6
    assert any("not applicable" in text for text in texts(figure))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns answered"):
        answers_rows(answers_table().drop("answered"))
    with pytest.raises(NumprobeError, match="no rows of metric reads_truth"):
        answers_rows(answers_table().filter(pl.col("metric") == "model_accuracy"))
