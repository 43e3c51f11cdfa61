"""Error tracing: how many wrong answers hold the truth in some state, how many by chance, and which layers lose it."""

from collections.abc import Iterator, Mapping

import polars as pl

from numprobe.tell.independent import independent
from numprobe.tell.rows import asked_keys, by_operation
from numprobe.tell.section import Grid, Part, Section, Statement, beside, cell_of, cells_of, change_of

#: With fewer wrong answers an operation is counted but not told.
FEWEST = 10

_TITLE = "Where right answers get lost (`error_tracing`)"
_HEADING = f"""`truth` is the share of the wrong answers whose true result is read in some state before the answer, by a
probe (`fourier`) that never saw this result. `opposite` is the share for the number equally far from the answer on the
other side, `permuted` that for true results of other wrong prompts, and `excess` the truth minus `permuted` in the same
prompts. `right` is the share where the answer is right; `answer labels` is that of a probe that was fitted on the
model's answers. Operations with fewer than {FEWEST} wrong answers are left out."""
_CONTROL = """`untrained` is the share of the same true results that a probe reads in some state of the network with
random weights. It is high where results lie near an operand, which is in the prompt."""
_FATES = """The truth of a wrong answer is read at no layer (`never`), `lost` for good at some layer, or `kept` to the
last state. The other columns are what is read in the last state where the truth is not kept; `answer` is the model's
own answer, of any kind."""
_LAYERS = "The layer that breaks the truth most often over all prompts, and how often it corrects the truth:"

_TOO_FEW = "None of the {subject} have {fewest} wrong answers in any operation."
_ABOVE_NULLS = (
    "In {above} of {measured} {subject}, the states of wrong answers hold the truth more often than {comparison}."
)
_NOT_ABOVE_NULLS = (
    "In none of {measured} {subject} do the states of wrong answers hold the truth more often than {comparison}."
)
_ABOVE_UNTRAINED = (
    "In {above} of {measured} {subject} with this control, the states of wrong answers hold the truth more often than "
    "those of {comparison}."
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `error_tracing`."""
    table = by_operation(tables["error_tracing"])
    rows = _enough(table.filter(pl.col("value").is_not_null()))
    if rows.is_empty():
        return Section(_TITLE, [_HEADING, Statement("models", "", {"fewest": FEWEST}, _TOO_FEW)])
    plain, untrained = rows.filter(control="none"), rows.filter(control="untrained")
    keys = asked_keys(plain)
    control = [_CONTROL] if untrained.height else []
    parts: list[Part] = [
        *control,
        _traced(plain, untrained, keys),
        _FATES,
        _fates(plain, keys),
        _LAYERS,
        _breaking(plain, keys),
    ]
    counted = independent(plain, "context", "operation")
    return Section(_TITLE, [_HEADING, *parts, *_meaning(counted), *_beside_untrained(counted, untrained)])


def _enough(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of models and operations with enough wrong answers."""
    wrong = table.filter(control="none", metric="traced", answered="wrong", target="truth", labels="truth")
    told = wrong.filter(pl.col("n_prompts") >= FEWEST).select("model", "context", "operation")
    return table.join(told, on=["model", "context", "operation"], how="semi", maintain_order="left")


def _traced(plain: pl.DataFrame, untrained: pl.DataFrame, keys: tuple[str, ...]) -> Grid:
    wrong = plain.filter(answered="wrong", labels="truth")
    traced = wrong.filter(metric="traced")
    own = traced.filter(target="truth")
    read = plain.filter(metric="traced", target="truth")
    columns = {
        "truth": own,
        "opposite": traced.filter(target="opposite"),
        "permuted": traced.filter(target="permuted"),
        "excess": wrong.filter(metric="excess_traced", target="permuted"),
        "untrained": untrained.filter(metric="traced", target="truth", answered="wrong"),
        "right": read.filter(answered="right", labels="truth"),
        "answer labels": read.filter(answered="wrong", labels="answer"),
    }
    shown = {head: part for head, part in columns.items() if head != "untrained" or part.height}
    cells = {head: cells_of(part, keys, change_of if head == "excess" else cell_of) for head, part in shown.items()}
    return beside(keys, {"wrong": cells_of(own, keys, lambda row: row["n_prompts"]), **cells})


def _fates(plain: pl.DataFrame, keys: tuple[str, ...]) -> Grid:
    wrong = plain.filter(labels="truth", answered="wrong")
    columns = {name: wrong.filter(metric=name, target="truth") for name in ("never", "lost", "kept")}
    columns["answer"] = wrong.filter(metric="answer_at_last")
    instead = wrong.filter(metric="instead_at_last")
    columns |= {kind: instead.filter(kind=kind) for kind in instead["kind"].unique(maintain_order=True)}
    return beside(keys, {head: cells_of(part, keys) for head, part in columns.items()})


def _breaking(plain: pl.DataFrame, keys: tuple[str, ...]) -> Grid:
    heads = [*keys, "layer", "breaks", "corrects", "breaks if layers were independent"]
    lines = []
    for part in plain.filter(labels="truth", answered="all").partition_by(
        "model", "context", "operation", maintain_order=True
    ):
        worst = part.filter(metric="breaks", target="truth").sort("value", descending=True, maintain_order=True)
        at = part.filter(layer=worst["layer"][0])
        shown = (("breaks", "truth"), ("corrects", "truth"), ("breaks", "independent"))
        cells = [cell_of(at.filter(metric=metric, target=target).row(0, named=True)) for metric, target in shown]
        lines.append([*(part[key][0] for key in keys), worst["layer"][0], *cells])
    return Grid(heads, lines)


def _meaning(plain: pl.DataFrame) -> Iterator[Statement]:
    """Yield where states of wrong answers hold more truths than chance puts there."""
    wrong = plain.filter(labels="truth", answered="wrong")
    keys = ["model", "context", "operation"]
    # Above both nulls, or the one that there is.
    excess = wrong.filter(metric="excess_traced").group_by(keys, maintain_order=True).agg(pl.col("ci_low").min())
    above = excess.filter(pl.col("ci_low") > 0)
    counts = {"above": above.height, "measured": excess.height}
    wording = _ABOVE_NULLS if above.height else _NOT_ABOVE_NULLS
    yield Statement("models and operations", "either null", counts, wording)


def _beside_untrained(plain: pl.DataFrame, untrained: pl.DataFrame) -> Iterator[Statement]:
    """Yield where states of wrong answers hold more truths than states of random weights: the intervals lie apart."""
    keys = ["model", "context", "operation"]
    chosen = {"metric": "traced", "target": "truth", "answered": "wrong", "labels": "truth"}
    low = plain.filter(**chosen).select(*keys, low=pl.coalesce("ci_low", "value"))
    high = untrained.filter(**chosen).select(*keys, high=pl.coalesce("ci_high", "value"))
    both = low.join(high, on=keys)
    if both.height:
        counts = {"above": both.filter(pl.col("low") > pl.col("high")).height, "measured": both.height}
        yield Statement("models and operations", "the untrained network", counts, _ABOVE_UNTRAINED)
