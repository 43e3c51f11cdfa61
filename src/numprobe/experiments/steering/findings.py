"""The section on steering: do answers follow operands whose states were moved to another number?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.status import Status
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import rows_compared
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Estimate, Grid, Listed, Section, Statement, cell_of, spread_out
from numprobe.tell.tested import tallies
from numprobe.verdicts import WITHIN, Margin, Verdict, family_verdicts

_TITLE = "Operands moved to other numbers (`steering`)"
_METHOD = """
In sums and differences, the state at the last token of the operand n is moved along the patterns to another number m.
Probe and patterns are those of a fold that has seen neither number. `all tokens` (operands of several tokens): the
earlier tokens also get the states that they have where m is written. Later tokens attend to them too, so this is the
ceiling of what the last token can do. Only prompts that the model answers correctly with n and with m count. `follows`:
share of the answers that are the result with m. `neither`: share of the answers that are the result with neither n nor
m. Half of the operands choose layer and strength (1: the distance between the patterns of n and m), separately for the
read-out; the table shows the other half. `size`: length of the change divided by that of the state. `whole state`: the
state is replaced by the one that the model has where m is written. `third number` and `random direction` are controls,
which should not lead to the result with m.
"""
_BY_LAYER = """
Share of the answers that follow in each layer when the state is moved along the patterns at strength 1, and when the
whole state is replaced:
"""
_NOBODY = "No model answers enough prompts correctly with both numbers."
_TOO_FEW = "{subject} answers only {answered} % of the prompts correctly with both numbers, too few to steer it."
_COMPARED = (
    "Answers that follow the patterns, compared with {comparison}, are {tests}. In {follow} of {models} models more "
    "follow than under every control."
)
_NONE_FOLLOWS = (
    f"{_COMPARED} For a model builder: moving what the probe reads of an operand did not change what these models "
    "answer."
)
_ALONG_PATTERNS = (
    f"{_COMPARED} For a model builder: to change a number, move its state along the patterns, not along the probe's "
    "weights."
)
_ALONG_EITHER = f"{_COMPARED} For a model builder: the code that the probe reads is a handle to change the number."

_MARGIN = Margin(0.05, "five in a hundred answers")

#: (direction, control, metric) -> head of a column.
_COLUMNS = {
    ("patterns", "none", "follows"): "follows",
    ("patterns", "none", "other"): "neither",
    ("state", "none", "follows"): "whole state follows",
    ("readout", "none", "follows"): "read-out follows",
    ("patterns", WRONG_NUMBER, "follows"): "third number",
    ("patterns", RANDOM_DIRECTION, "follows"): "random direction",
}
_CONTROLS = [key for key in _COLUMNS if key[1] != "none"]
_OWN, _NEITHER, _STATE, _READOUT = list(_COLUMNS)[:4]
#: What the answers that follow the patterns are compared with.
_RIVALS = {
    _STATE: "the whole state replaced",
    _READOUT: "the read-out",
    **{key: _COLUMNS[key] for key in _CONTROLS},
}

#: (direction, control, metric)
Key = tuple[str, str, str]
Cells = Mapping[Key, Mapping[str, Any]]


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `steering`."""
    table = named_by_context(by_tokens(tables["steering"]))
    too_few = list(_too_few(table))
    chosen = table.filter(pl.col("chosen"), part="test")
    if chosen.is_empty():
        return Section(_TITLE, [_METHOD, Statement("all models", "", {"models": 0}, _NOBODY), *too_few])
    parts = list(_parts(chosen))
    heads = ["model", "operation", "layer", "strength", "size", "prompts", *_COLUMNS.values()]
    grid = Grid(heads, [_line(*part) for part in parts])
    counted = independent(chosen.filter(subset="all"), "context")
    whole = {name: cells for name, _, cells in _parts(counted)}
    return Section(_TITLE, [_METHOD, grid, *_by_layer(table), *too_few, _comparison(whole)])


def _parts(chosen: pl.DataFrame) -> Iterator[tuple[str, str, Cells]]:
    """Yield model, operation, and what was measured."""
    for part in chosen.partition_by("model", "subset", maintain_order=True):
        rows = {(row["direction"], row["control"], row["metric"]): row for row in part.iter_rows(named=True)}
        yield part["model"][0], part["subset"][0].removeprefix("operation="), rows


def _line(name: str, operation: str, cells: Cells) -> list[Any]:
    own = cells[_OWN]
    place = [own["layer"], own["strength"], Estimate(own["relative_norm"]), own["n_prompts"]]
    return [name, operation, *place, *(cell_of(cells[key]) for key in _COLUMNS)]


def _by_layer(table: pl.DataFrame) -> Iterator[str | Grid]:
    """Yield the shares at strength 1 in every layer, where the patterns were tried at this strength."""
    rows = table.filter(metric="follows", control="none", part="test", subset="all", strength=1.0)
    rows = rows.filter(pl.col("direction").is_in(["patterns", "state"]))
    if "patterns" in rows["direction"]:
        yield _BY_LAYER
        yield spread_out(rows, ["model", "direction"], "layer")


def _too_few(table: pl.DataFrame) -> Iterator[Statement]:
    rows = table.filter(pl.col("status") != Status.MEASURED, metric="answered")
    for row in rows.iter_rows(named=True):
        yield Statement(row["model"], "", {"answered": cell_of(row)}, _TOO_FEW)


def _comparison(models: Mapping[str, Cells]) -> Statement:
    """State whether answers follow beyond the controls, and whether the read-out would do; all tests are one family."""
    groups = {key: [rows_compared(cells[_OWN], cells[key], _MARGIN) for cells in models.values()] for key in _RIVALS}
    verdicts = iter(family_verdicts([one for group in groups.values() for one in group]))
    found = {key: dict(zip(models, verdicts, strict=False)) for key in groups}
    above = [name for name in models if all(found[key][name] == Verdict.HIGHER for key in _CONTROLS)]
    tested = tallies({_RIVALS[key]: group for key, group in groups.items()})
    numbers = {"tests": Listed(tested), "follow": len(_models(above)), "models": len(_models(models))}
    return Statement(", ".join(_models(models)), "other changes", numbers, _wording(found, above))


def _wording(found: Mapping[Key, Mapping[str, Verdict]], above: Sequence[str]) -> str:
    """Return the sentence that the verdicts allow: (direction, control, metric) -> model -> verdict."""
    lead = set(found[_READOUT].values())
    if above and Verdict.HIGHER in lead and Verdict.LOWER not in lead:
        return _ALONG_PATTERNS
    if above and lead <= WITHIN | {Verdict.LOWER}:
        return _ALONG_EITHER
    at_chance = WITHIN | {Verdict.LOWER}
    none = all(at_chance.issuperset(found[key].values()) for key in _CONTROLS)
    return _NONE_FOLLOWS if none else _COMPARED


def _models(names: Iterable[str]) -> list[str]:
    """Return the models that rows are about, at the last or at all tokens."""
    return list(dict.fromkeys(map(model_of, names)))
