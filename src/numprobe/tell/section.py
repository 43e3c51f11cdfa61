"""Sections of the findings: data first, and the one function that puts them into words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from numprobe.layers import layer_order
from numprobe.percent import per_cent
from numprobe.status import Status, in_words

#: Rounding errors of a mean of shares in per cent: closer to 0 and 100 than that, it is equal to them.
_ROUNDING = 1e-9
#: A grid of more rows than this is folded, so that a page can be read from sentence to sentence.
_LONGEST = 16
#: Head and name of a row of measurements that belong to no layer.
_NO_LAYER = "no layer"
#: Differences of shares below this have no first decimal in points.
_NONE_SEEN = 0.0005


@dataclass(frozen=True)
class _Measured:
    """A measured number and its 95 % interval, if it has one; shown as "value [low, high]"."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return self.shown(self.value)
        return f"{self.shown(self.value)} [{self.shown(self.low)}, {self.shown(self.high)}]"

    @staticmethod
    def shown(value: float) -> str:
        """Return a number as text."""
        return f"{value:.2f}"


class Share(_Measured):
    """A share between 0 and 1, shown in per cent."""

    @staticmethod
    def shown(value: float) -> str:
        """Return a share in per cent (`per_cent`)."""
        return per_cent(value)


class Difference(_Measured):
    """A difference of two shares, shown in points with its sign.

    Where none is seen, it says beside its interval how large one would have been told from none.
    """

    def __str__(self) -> str:
        shown = super().__str__()
        if self.low is None or self.high is None or abs(self.value) >= _NONE_SEEN or self.low == self.high:
            return shown
        visible = self.shown(max(self.value - self.low, self.high - self.value)).lstrip("+")
        return f"{shown} ({visible} would show)"

    @staticmethod
    def shown(value: float) -> str:
        """Return a difference in points, with one decimal, or one digit where that would look like none."""
        points = 100 * value
        if abs(points) < _ROUNDING:
            return "0.0"
        shown = f"{points:+.1f}"
        return shown if float(shown) else f"{points:+.1g}"


class Estimate(_Measured):
    """A measured number that is no share, such as a correlation."""


@dataclass(frozen=True)
class PValue:
    """The p-value of a test; shown with two digits."""

    value: float

    def __str__(self) -> str:
        return f"{self.value:.2g}"


@dataclass(frozen=True)
class Statement:
    """A sentence of the findings, as data.

    Attributes
    ----------
    subject
        The models, contexts and layers that it is about.
    comparison
        The rival or reference that they are compared with; empty if there is none.
    numbers
        Name -> count, share, difference, `Listed` or name of a layer; all that the sentence quotes.
    wording
        The sentence, with `{subject}`, `{comparison}` and the names of `numbers` as fields.
    """

    subject: str
    comparison: str
    numbers: Mapping[str, Any]
    wording: str

    def __str__(self) -> str:
        return self.wording.format(subject=self.subject, comparison=self.comparison, **self.numbers)


@dataclass(frozen=True)
class Listed:
    """Numbers of several probes, contexts or models, by name; shown as "name: number, name: number"."""

    numbers: Mapping[str, Any]
    unit: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return ", ".join(f"{name}: {number}{unit}" for name, number in self.numbers.items())


@dataclass(frozen=True)
class Span:
    """The smallest and the largest of several numbers; shown as "low to high", once if both are shown alike."""

    low: Any
    high: Any

    def __str__(self) -> str:
        low, high = str(self.low), str(self.high)
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class Layers:
    """Layers by name; shown as "layer 2" or "layers 1, 2"."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'layer' if len(self.names) == 1 else 'layers'} {', '.join(self.names)}"


@dataclass(frozen=True)
class Grid:
    """A table of the findings; a cell is text or a number of one of these kinds, and empty where it is None.

    Long ones are folded, unless `open`.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    open: bool = False

    def column(self, head: str) -> list[Any]:
        """Return the cells of a column, from the top."""
        place = list(self.heads).index(head)
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class Reason:
    """The reason why an experiment does not apply to a model in a context."""

    model: str
    context: str | None
    reason: str

    def __str__(self) -> str:
        where = f"{self.model}, `{self.context}`" if self.context else self.model
        return f"{where}: {in_words(Status.NOT_APPLICABLE, self.reason)}"


#: A part of a section.
Part = str | Grid | Statement | Reason


@dataclass(frozen=True)
class Section:
    """A section of a page: paragraphs (plain strings), grids, statements and reasons, in the order of the page."""

    title: str
    parts: Sequence[Part] = field(default_factory=list)

    @property
    def statements(self) -> list[Statement]:
        """Return the statements alone."""
        return [part for part in self.parts if isinstance(part, Statement)]

    @property
    def grids(self) -> list[Grid]:
        """Return the grids alone."""
        return [part for part in self.parts if isinstance(part, Grid)]


def markdown(section: Section) -> str:
    """Return a section as Markdown: statements and reasons become bullets, consecutive ones one list."""
    blocks = [f"## {section.title}"]
    previous: object = None
    for part in section.parts:
        listed = isinstance(part, Statement | Reason)
        if listed and isinstance(previous, Statement | Reason):
            blocks[-1] += f"\n- {part}"
        else:
            blocks.append(f"- {part}" if listed else _table(part) if isinstance(part, Grid) else str(part).strip())
        previous = part
    return "\n\n".join(blocks) + "\n"


def cell_of(row: Mapping[str, Any]) -> Share | str:
    """Return the share of a row of a table of measurements; why, where there is no value."""
    if row["value"] is None:
        return in_words(row.get("status"), row.get("note"))
    return Share(row["value"], row["ci_low"], row["ci_high"])


def change_of(row: Mapping[str, Any]) -> Difference | str:
    """Return the difference of a row of a table of measurements; why, where there is no value."""
    if row["value"] is None:
        return in_words(row.get("status"), row.get("note"))
    return Difference(row["value"], row["ci_low"], row["ci_high"])


def estimate_of(row: Mapping[str, Any]) -> Estimate | str:
    """Return the number of a row of a table of measurements; why, where there is no value."""
    if row["value"] is None:
        return in_words(row.get("status"), row.get("note"))
    return Estimate(row["value"], row["ci_low"], row["ci_high"])


def reasons_of(table: pl.DataFrame) -> list[Reason]:
    """Return the different reasons why an experiment does not apply, in the order of its table.

    In a table that compares models, the reason is that of a pair.
    """
    rows = table.filter(status=Status.NOT_APPLICABLE)
    models = [name for name in ("model", "other_model") if name in table.columns]
    named = rows.select(pl.concat_str(models, separator=" – ", ignore_nulls=True).alias("model"), "context", "note")
    different = named.unique(maintain_order=True).iter_rows()
    return [Reason(*row) for row in different]


def spread_out(table: pl.DataFrame, index: Sequence[str], column: str) -> Grid:
    """Return one row per combination of `index`, and one column of shares per value of `column`.

    Parameters
    ----------
    table
        Measurements, at most one per combination and value.
    index
        Columns whose combinations are the rows, in the order of the table.
    column
        The column whose values are the heads; layers come in their own order, others in that of the table. What
        belongs to no layer stands last, under "no layer".
    """
    if "layer" in (*index, column):
        table = table.with_columns(pl.col("layer").fill_null(_NO_LAYER))
    heads = table[column].unique(maintain_order=True).to_list()
    if column == "layer":
        heads = [
            *layer_order(head for head in heads if head != _NO_LAYER),
            *(head for head in heads if head == _NO_LAYER),
        ]
    rows: list[list[Any]] = []
    for part in table.partition_by(*index, maintain_order=True):
        cells = {row[column]: cell_of(row) for row in part.iter_rows(named=True)}
        rows.append([*(str(part[name][0]) for name in index), *(cells.get(head) for head in heads)])
    return Grid([*index, *heads], rows)


def cells_of(
    table: pl.DataFrame, index: Sequence[str], cell: Callable[[Mapping[str, Any]], Any] = cell_of
) -> dict[tuple[str, ...], Any]:
    """Return the cell of each combination of `index`, at most one row each, in the order of the table."""
    return {tuple(str(row[name]) for name in index): cell(row) for row in table.iter_rows(named=True)}


def beside(index: Sequence[str], columns: Mapping[str, Mapping[tuple[str, ...], Any]]) -> Grid:
    """Return one row per combination of `index` in any column; those of one model stay together.

    Parameters
    ----------
    index
        Columns whose combinations are the rows; the first is the model.
    columns
        Head -> the cells of a column by combination (`cells_of`).
    """
    keys = list(dict.fromkeys(key for cells in columns.values() for key in cells))
    models = list(dict.fromkeys(key[0] for key in keys))
    keys.sort(key=lambda key: models.index(key[0]))
    return Grid([*index, *columns], [[*key, *(cells.get(key) for cells in columns.values())] for key in keys])


def _table(grid: Grid) -> str:
    """Return a grid as a table, folded if it is long; `markdown="1"` is for the documentation site."""
    if grid.open or len(grid.rows) <= _LONGEST:
        return _grid(grid)
    return f'<details markdown="1"><summary>{len(grid.rows)} rows</summary>\n\n{_grid(grid)}\n\n</details>'


def _grid(grid: Grid) -> str:
    lines = [[str(head) for head in grid.heads], ["---"] * len(grid.heads)]
    lines += [["" if cell is None else str(cell) for cell in row] for row in grid.rows]
    # A bar inside a cell would end it.
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
