"""Figure of numbers read from the embedding matrices: accuracies of every probe, and the misread numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, frame
from numprobe.draw.panels import CHANCE_COLOUR, bars, chance_entry, tell_left_out
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import VOCABULARY, checked, has_no_layer, in_order, is_not_applicable, require
from numprobe.draw.series import leading_probe
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, PAGE_WIDTH, Style, probe_order, probe_style
from numprobe.layers import layer_order
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: Values of the column `kind`: a score of a probe; its mean and spread over folds; a number that it misread.
SCORE, FOLDS, MISREAD = "score", "folds", "misread"

_OURS = pl.col("source") == THIS_STUDY
_VALUES = "values="
_LINE = 0.125
_COLUMNS = (
    "kind", "model", "layer", "probe", "control", "settings", "subset", "metric", "value", "ci_low", "ci_high",
    "resampled", "n_values", "status", "note",
)  # fmt: skip


def embedding_probes(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and its table."""
    drawn = embedding_probes_rows(tables["embedding_probes"], tables["non_decodable"])
    first, last = values["numbers"]
    return draw_embedding_probes(drawn, values["candidates"], (first, last)), drawn


def embedding_probes_rows(table: pl.DataFrame, misread: pl.DataFrame) -> pl.DataFrame:
    """Return the scores of all probes and controls, the misread numbers, and the published scores.

    Parameters
    ----------
    table
        The table `embedding_probes`.
    misread
        The table `non_decodable`; its numbers are in the column `number` of rows of the kind `MISREAD`.
    """
    rows = checked(table, [*MEASUREMENT, "settings"]).filter(pl.col("fold").is_null())
    exact = pl.col("metric") == "accuracy"
    plain = rows.filter(exact, pl.col("value").is_not_null(), control="none")
    require(plain, "metric accuracy without a control")
    whole = pl.col("subset") == "all"
    control = (pl.col("control") != "none") & pl.col("probe").is_in([leading_probe(plain), "constant"]) & whole
    part = (pl.col("control") == "none") & (whole | pl.col("subset").str.starts_with(_VALUES))
    scores = rows.filter(exact & (part | control) & ~is_not_applicable()).with_columns(pl.lit(SCORE).alias("kind"))
    folds = rows.filter(pl.col("metric").str.starts_with("fold_")).with_columns(pl.lit(FOLDS).alias("kind"))
    wrong = misread.select(
        "model", "layer", "probe", "settings", "number", kind=pl.lit(MISREAD), control=pl.lit("none")
    )
    without = rows.filter(is_not_applicable()).select(pl.lit(None, pl.String).alias("kind"), *_COLUMNS[1:])
    parts = [scores.select(_COLUMNS), folds.select(_COLUMNS), wrong, _published(scores), without]
    return pl.concat(parts, how="diagonal_relaxed").with_columns(pl.col("source").fill_null(THIS_STUDY))


def _published(scores: pl.DataFrame) -> pl.DataFrame:
    numbers = published("embedding_probes", scores["model"].unique()).filter(metric="accuracy")
    names = {"kind": SCORE, "control": "none", "settings": "published", "subset": "all", "status": Status.MEASURED}
    columns = {name: pl.lit(value) for name, value in names.items()}
    return numbers.select("model", "layer", "probe", "metric", "value", "source", **columns)


@dataclass(frozen=True)
class _Line:
    """One line of a panel: a probe with its settings, or a control."""

    label: str
    style: Style
    condition: pl.Expr


def draw_embedding_probes(drawn: pl.DataFrame, candidates: int, numbers: tuple[int, int]) -> Figure:
    """Draw a row per model and matrix: left the accuracies of probes and controls, right the numbers each misreads.

    Parameters
    ----------
    drawn
        What `embedding_probes_rows` returned.
    candidates
        How many numbers a probe chooses among: the chance level.
    numbers
        Smallest and largest candidate.
    """
    lines = _lines(drawn)
    places = [
        (model, layer)
        for model in in_order(drawn["model"])
        for layer in layer_order(drawn.filter(model=model, kind=SCORE)["layer"].drop_nulls())
    ]
    height = 0.9 + len(places) * (_LINE * len(lines) + 0.3)
    figure = Figure(figsize=(PAGE_WIDTH, height), layout="constrained")
    grid = figure.subplots(len(places), 2, squeeze=False, sharex="col", sharey=True, width_ratios=[1, 1.7])
    for (left, right), (model, layer) in zip(grid, places, strict=True):
        rows = drawn.filter((pl.col("layer") == layer) | has_no_layer(), model=model)
        _draw_scores(left, rows, lines, candidates)
        _draw_misread(right, rows, lines, numbers)
        left.set_title(f"{model}, {_matrix(layer)}", fontweight="bold", loc="left", fontsize=7.5, pad=3)
        right.set_title(_note(rows), loc="left", fontsize=5.5, color=NOTE_COLOUR, pad=3)
    grid[-1][0].set_xlabel("accuracy on unseen numbers")
    grid[-1][1].set_xlabel("numbers that are misread")
    tell_left_out(figure, drawn.with_columns(pl.lit(VOCABULARY).alias("context")))
    return frame(figure, _legend(drawn, candidates), 5)


def _matrix(layer: str) -> str:
    return {"embedding": "input matrix", "unembedding": "output matrix"}.get(layer, layer)


def _lines(drawn: pl.DataFrame) -> list[_Line]:
    plain = drawn.filter(control="none", kind=SCORE)
    lines = []
    for probe in probe_order(plain["probe"]):
        mine = (pl.col("probe") == probe) & (pl.col("control") == "none")
        refitted = mine & _OURS & (pl.col("settings") == "published")
        lines.append(_Line(probe, probe_style(probe), mine & ~refitted))
        if not plain.filter(refitted).is_empty():
            lines.append(_Line(f"{probe}, published settings", probe_style(probe), refitted))
    present = set(drawn["control"])
    controls = [(name, style) for name, style in CONTROLS.items() if name in present]
    return lines + [_Line(name, style, pl.col("control") == name) for name, style in controls]


def _draw_scores(axes: Axes, rows: pl.DataFrame, lines: Sequence[_Line], candidates: int) -> None:
    axes.axvline(1 / candidates, color=CHANCE_COLOUR, linewidth=0.5)
    usual = _tested(rows)
    labels = []
    for height, line in enumerate(lines):
        mine = rows.filter(line.condition)
        scores = mine.filter(_OURS, kind=SCORE)
        whole = scores.filter(pl.col("value").is_not_null(), subset="all")
        _draw_folds(axes, height, mine.filter(kind=FOLDS), line.style)
        bars(axes, height, whole, line.style)
        _draw_parts(axes, height, scores.filter(pl.col("subset") != "all"), line.style)
        past = mine.filter(~_OURS)["value"]
        axes.plot(past, [height] * len(past), "x", color=NOTE_COLOUR, markersize=4.5, markeredgewidth=0.9)
        tested = _tested(whole)
        labels.append(f"{line.label} ({tested})" if tested not in (None, usual) else line.label)
    axes.set_yticks(range(len(lines)), labels)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "", "50 %", "", "100 %"])
    axes.tick_params(axis="y", length=0, labelsize=5.5)
    faint_grid(axes, "x")


def _tested(rows: pl.DataFrame) -> int | None:
    """Return the largest count of values behind a score on all values."""
    counts = rows.filter(kind=SCORE, subset="all")["n_values"].drop_nulls().to_list()
    return max(counts, default=None)


def _draw_folds(axes: Axes, height: float, rows: pl.DataFrame, style: Style) -> None:
    """Draw the mean over folds plus and minus one standard deviation as a pale bar."""
    found = dict(zip(rows["metric"], rows["value"], strict=True))
    if {"fold_mean", "fold_sd"} <= set(found):
        mean, spread = found["fold_mean"], found["fold_sd"]
        axes.barh(height, 2 * spread, left=mean - spread, height=0.7, color=style.colour, alpha=0.2, linewidth=0)


def _draw_parts(axes: Axes, height: float, rows: pl.DataFrame, style: Style) -> None:
    """Draw the scores on two ranges of the numbers as hollow markers, the lower range as "<"."""
    for marker, row in zip(
        "<>", rows.sort(pl.col("subset").str.extract(r"(\d+)").cast(pl.Int64)).iter_rows(named=True), strict=False
    ):
        axes.plot([row["value"]], [height], marker, markerfacecolor="white", color=style.colour, markersize=3, zorder=3)


def _draw_misread(axes: Axes, rows: pl.DataFrame, lines: Sequence[_Line], numbers: tuple[int, int]) -> None:
    for height, line in enumerate(lines):
        wrong = rows.filter(line.condition, kind=MISREAD)["number"]
        axes.vlines(wrong, height - 0.38, height + 0.38, color=line.style.colour, linewidth=0.35)
    rest = rows.filter(pl.col("subset").fill_null("").str.starts_with(_VALUES))["subset"].unique()
    starts = [int(text.removeprefix(_VALUES).split("..")[0]) for text in rest]
    if len(starts) > 1:
        axes.axvspan(max(starts), numbers[1] + 0.5, color="#eeeeee", linewidth=0, zorder=0)
    margin = 0.01 * (numbers[1] - numbers[0])
    axes.set_xlim(numbers[0] - margin, numbers[1] + margin)
    axes.tick_params(axis="y", length=0)


def _note(rows: pl.DataFrame) -> str:
    tested = _tested(rows)
    parts = rows.filter(pl.col("subset").fill_null("").str.starts_with(_VALUES))
    shaded = ", shaded: only some are single tokens" if not parts.is_empty() else ""
    return f"{tested} numbers tested{shaded}"


def _legend(drawn: pl.DataFrame, candidates: int) -> list[Line2D]:
    def entry(label: str, **style: object) -> Line2D:
        return Line2D([], [], **{"color": NOTE_COLOUR, "linestyle": "none", "markersize": 3.2, **style}, label=label)  # type: ignore[arg-type]

    entries = [
        entry("accuracy, 95 % interval", marker="o"),
        entry("mean ± sd over folds", marker="s", alpha=0.3, markersize=6),
    ]
    parts = drawn["subset"].drop_nulls().str.starts_with(_VALUES).any()
    if parts:
        entries += [
            entry("all single tokens", marker="<", markerfacecolor="white"),
            entry("some single tokens", marker=">", markerfacecolor="white"),
        ]
    if drawn.filter(~_OURS).height:
        entries.append(entry("published number", marker="x"))
    return [*entries, chance_entry(candidates)]
