import numpy as np
import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.sample_efficiency.figure import draw_sample_efficiency, sample_efficiency_rows
from numprobe.experiments.sample_efficiency.summary import EXTRA
from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements

SIZES = (8, 16, 32, 64, 128, 256, 512, 900)
PROBES = {"fourier": 0.9, "digits": 0.5, "linear": 0.01}


def _row(model, context, probe, metric, value, size, prompts, **more):
    half = 0.05 if metric == "accuracy" else 0.2
    return {
        "model": model, "context": context, "layer": "2", "probe": probe, "metric": metric, "value": value,
        "ci_low": value - half, "ci_high": value + half, "train_values": size, "train_prompts": prompts,
        "candidates": 1000, "n_values": 300, **more,
    }  # fmt: skip


def _context_rows(model, context, most_prompts):
    for probe, level in PROBES.items():
        for size in SIZES:
            yield _row(model, context, probe, "accuracy", level * np.log2(size) / 10, size, most_prompts)
            yield _row(model, context, probe, "accuracy", 0.001, size, most_prompts, control="shuffled")
            yield _row(model, context, probe, "accuracy", level, size, most_prompts, fold="0")
        for prompts in range(1, most_prompts):
            yield _row(model, context, probe, "accuracy", level / 2, SIZES[-1], prompts)
        yield _row(model, context, probe, "code_length", 10 - 8 * level, SIZES[-1], most_prompts)
        yield _row(model, context, probe, "code_length", 10.0, SIZES[-1], most_prompts, control="shuffled")


def table(models=("a", "b")):
    rows = [row for model in models for row in _context_rows(model, "number", 1)]
    rows += [row for model in models for row in _context_rows(model, "operand", 4)]
    rows += [{"model": "a", "context": "result", "metric": "accuracy", **not_applicable("encoder")}]
    return measurements(rows, EXTRA)


def test_curves_stand_against_numbers_and_prompts():
    figure = draw_sample_efficiency(sample_efficiency_rows(table()))
    numbers = figure.axes[0]
    curve = numbers.lines[0]
    assert curve.get_xdata().tolist() == list(SIZES)
    assert curve.get_ydata()[-1] == pytest.approx(0.9 * np.log2(900) / 10)
    found = texts(figure)
    assert {"number", "operand", "training numbers", "prompts per number", "layer 2, 1 prompt"} <= set(found)
    assert "not applicable: encoder" in found


def test_the_legend_names_probes_control_and_the_uniform_code():
    figure = draw_sample_efficiency(sample_efficiency_rows(table()))
    assert legend(figure) == [*PROBES, "shuffled (fourier; bits: each)", "uniform code"]


def test_controls_that_are_states_are_curves_of_the_first_probe():
    rows = [
        _row("a", "operand", probe, metric, value, size, 4, control="mixed")
        for probe in PROBES
        for size in SIZES
        for metric, value in (("accuracy", 0.4), ("code_length", 5.0))
    ]
    figure = draw_sample_efficiency(sample_efficiency_rows(pl.concat([table(), measurements(rows, EXTRA)])))
    assert legend(figure)[-2:] == ["mixed (fourier; bits: each)", "uniform code"]
    operand = next(axes for axes in figure.axes if axes.get_title() == "operand")
    levels = [line.get_ydata().tolist() for line in operand.lines if len(line.get_xdata()) == len(SIZES)]
    assert levels.count([0.4] * len(SIZES)) == 1


def test_a_model_of_constant_states_says_so_beside_its_controls():
    rows = [
        {"model": "c", "context": "number", "layer": "0", "metric": "accuracy", **constant_state()},
        _row("c", "number", "fourier", "accuracy", 0.4, 900, 1, control="mixed"),
    ]
    found = texts(draw_sample_efficiency(sample_efficiency_rows(pl.concat([table(), measurements(rows, EXTRA)]))))
    assert found.count("constant state") == 2


def test_code_lengths_are_bars_beside_the_uniform_code():
    figure = draw_sample_efficiency(sample_efficiency_rows(table(models=("a",))))
    bars = [axes for axes in figure.axes if axes.patches]
    assert [bar.get_width() for bar in bars[0].patches] == pytest.approx([2.8, 6.0, 9.92])
    uniform = [line for line in bars[0].lines if line.get_linestyle() == ":"]
    assert uniform[0].get_xdata()[0] == pytest.approx(np.log2(1000))


def test_many_models_fit():
    figure = draw_sample_efficiency(sample_efficiency_rows(table(models=[f"model-{i}" for i in range(7)])))
    assert figure.get_figheight() > 10 and {"model-0", "model-6"} <= set(texts(figure))


def test_single_orders_are_not_drawn():
    assert sample_efficiency_rows(table())["fold"].drop_nulls().is_empty()


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns train_values"):
        sample_efficiency_rows(table().drop("train_values"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy or code_length"):
        sample_efficiency_rows(table().with_columns(pl.lit(None, pl.Float64).alias("value")))
