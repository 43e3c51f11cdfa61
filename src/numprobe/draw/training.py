"""Figure: how the small models learn to calculate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from numprobe.draw.frame import faint_grid, in_per_cent
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, save_figure, series_styles, use_style
from numprobe.errors import NumprobeError

_COLUMNS = ("model", "step", "metric", "operation", "form", "value", "ci_low", "ci_high", "n")
_OPERATIONS = ("+", "-", "*", "/")
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
#: Forms of the questions, top to bottom, and what the panels call them.
_FORMS = {"symbol": 'as "a + b = c"', "sentence": "in words"}


def plot_training(
    logs: Sequence[pl.DataFrame],
    checkpoints: Mapping[str, Sequence[int]],
    output: Path,
    formats: Sequence[str],
    metadata: Mapping[str, Any],
) -> None:
    """Loss and accuracy on held-out pairs over the steps of training, one column per model.

    Parameters
    ----------
    logs
        One `training_log.parquet` per model, in the order of the columns.
    checkpoints
        Model -> steps whose weights were kept, marked by a dashed line.
    output
        Path without ending.
    formats
        Formats of the images.
    metadata
        Provenance.

    Raises
    ------
    NumprobeError
        If a table is no training log, or two are of one model.
    """
    log = _together(logs)
    use_style()
    models = log["model"].unique(maintain_order=True).to_list()
    figure = Figure(figsize=(max(0.5 * PAGE_WIDTH, PAGE_WIDTH / 3 * len(models)), 4.2), layout="constrained")
    grid = figure.subplots(1 + len(_FORMS), len(models), squeeze=False, sharex="col", sharey="row")
    styles = series_styles(_OPERATIONS)
    for column, model in enumerate(models):
        rows = log.filter(model=model)
        _draw_loss(grid[0][column], rows)
        grid[0][column].set_title(model, fontweight="bold")
        for axes, form in zip(grid[1:, column], _FORMS, strict=True):
            _draw_accuracy(axes, rows.filter(form=form), styles)
        for axes in grid[:, column]:
            _mark_steps(axes, checkpoints.get(model, ()))
        grid[-1][column].set_xlabel("training step")
    for axes, label in zip(
        grid[:, 0], ("loss (nats)", *(f"accuracy\n{name}" for name in _FORMS.values())), strict=True
    ):
        axes.set_ylabel(label)
    _add_legend(figure, styles, any(checkpoints.get(model) for model in models))
    save_figure(figure, output, formats, log.filter(_is_drawn()), metadata)


def _together(logs: Sequence[pl.DataFrame]) -> pl.DataFrame:
    models: list[str] = []
    for log in logs:
        missing = [name for name in _COLUMNS if name not in log.columns]
        if missing or log.is_empty():
            reason = f"lacks the columns {', '.join(missing)}" if missing else "is empty"
            raise NumprobeError(
                f"this is no training log: it {reason}; give the training_log.parquet of a model's folder"
            )
        models += log["model"].unique(maintain_order=True).to_list()
    if len(set(models)) < len(models):
        raise NumprobeError(f"two training logs are of one model ({', '.join(models)}): give each model once")
    return pl.concat([log.select(_COLUMNS) for log in logs])


def _is_drawn() -> pl.Expr:
    return (pl.col("metric") == "loss") | pl.col("form").is_in(list(_FORMS))


def _draw_loss(axes: Axes, rows: pl.DataFrame) -> None:
    loss = rows.filter(metric="loss").sort("step")
    axes.plot(loss["step"], loss["value"], color="black")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    faint_grid(axes)


def _draw_accuracy(axes: Axes, rows: pl.DataFrame, styles: Mapping[str, Style]) -> None:
    for operation, style in styles.items():
        line = rows.filter(operation=operation).sort("step")
        axes.fill_between(line["step"], line["ci_low"], line["ci_high"], color=style.colour, alpha=0.22, lw=0)
        axes.plot(line["step"], line["value"], color=style.colour, marker=style.marker, markersize=2.6)
    axes.set_ylim(-0.04, 1.04)
    in_per_cent(axes.yaxis)
    faint_grid(axes)


def _mark_steps(axes: Axes, steps: Sequence[int]) -> None:
    for step in steps:
        axes.axvline(step, color=NOTE_COLOUR, linestyle="--", linewidth=0.8, zorder=0)


def _add_legend(figure: Figure, styles: Mapping[str, Style], with_checkpoints: bool) -> None:
    entries = [
        Line2D([], [], color=style.colour, marker=style.marker, label=_SIGNS[operation])
        for operation, style in styles.items()
    ]
    if with_checkpoints:
        entries.append(Line2D([], [], color=NOTE_COLOUR, linestyle="--", linewidth=0.8, label="checkpoint kept"))
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), title="pairs held out from training")
