"""Is a sinusoidal probe better, or only better fed? The section on the table `sample_efficiency`."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.tell.section import (
    Difference,
    Estimate,
    Grid,
    Listed,
    Section,
    Statement,
    cell_of,
    change_of,
    estimate_of,
    reasons_of,
)

#: Probes that write numbers as waves; all others are their rivals.
WAVES = ("fourier", "sinusoidal", "wave", "circular", "helix")
#: The probe that is compared with its rivals.
LEADING = "fourier"
#: States that are no trained network's; a model has them where the study says so.
STATE_CONTROLS = ("untrained", "mixed")

_TITLE = "How much data does each probe need?"
_METHOD = (
    "The numbers are put into random order, {orders} times; probes are fitted on the first {sizes}, ... and read the "
    "last ones. The code length is the count of bits per number when the numbers of an order are sent block by block, "
    "with the probabilities of the probe that was fitted on the blocks before (the uniform code takes {uniform:.2f}). "
    "The brackets hold 95 % intervals over orders, each with training and test numbers of its own (Student's t, of "
    "shares on logits; over numbers where there is one order). The control `shuffled` has permuted numbers; "
    "`untrained` has states of random weights, and `mixed` a fixed mix of the embeddings of the last four tokens."
)
_NO_RIVAL = "There is no `fourier`, or no rival that is not made of waves, so nothing is compared."
_FULL = (
    "At {values} numbers `fourier` reads {own} % and its best rival {comparison} {other} %, a difference of {lead} "
    "points"
)
_FIRST_ORDER = " in the first order, the only one of {comparison}"
_NEITHER = "; neither is shown to read more."
_RIVAL = "; the rival reads more."
_AT_FULL = "; `fourier` is better at the full amount, and not shown to be better with less."
_BETTER_FED = ". It is better, not better fed: {enough} numbers suffice to pass the rival ({enough_accuracy} %)."
_AHEAD = "With fewer numbers the lead of `fourier` is largest at {leads}."
_BEHIND = "With fewer numbers a rival reads more: {leads}."
_CODE = "Over all sizes the code of `fourier` is {verdict} than that of {comparison}; it saves {saved} bits per number."
_PROMPTS = (
    "With {many} prompts per number `fourier` reads {accuracy} %, {verdict} than with {few} ({accuracy_of_few} %)."
)
_BEYOND = "At {values} numbers `fourier` reads {own} % of the model, more than of {comparison} ({controls})."
_NOT_BEYOND = (
    "At {values} numbers `fourier` reads {own} % of the model, and not measurably more of it than of {comparison} "
    "({controls}), so the reading alone shows no code of the number."
)
_MOST_SIZES = 4

Row = dict[str, Any]


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return code lengths, accuracies at some sizes, and verdicts by model and context.

    Parameters
    ----------
    tables
        Collected tables; `sample_efficiency` is read.
    """
    table = tables["sample_efficiency"]
    measured = table.filter(pl.col("value").is_not_null())
    if measured.is_empty():
        return Section(_TITLE, ["No model has enough numbers.", *reasons_of(table)])
    orders = measured["fold"].drop_nulls().n_unique()
    uniform = measured["candidates"].log(2)[0]
    joint = measured.filter(pl.col("fold").is_null())
    sizes = ", ".join(map(str, joint["train_values"].unique().sort().to_list()[:2]))
    parts: list[Any] = [_METHOD.format(orders=orders, uniform=uniform, sizes=sizes)]
    for part in joint.partition_by("model", "context", maintain_order=True):
        parts += _of_context(part)
    return Section(_TITLE, [*parts, *reasons_of(table)])


def _of_context(part: pl.DataFrame) -> Iterator[str | Statement | Grid]:
    """Yield the verdicts on one model in one context, and their table."""
    plain = part.filter(pl.col("control") == "none")
    if plain.is_empty():
        return
    subject = f"`{plain['model'][0]}`, `{plain['context'][0]}`, layer {plain['layer'][0]}"
    accuracy = _by_values(plain)
    full = accuracy.filter(pl.col("train_values") == pl.col("train_values").max())
    best = full.filter(pl.col("probe") == LEADING)
    rivals = full.filter(~pl.col("probe").is_in(WAVES)).sort("value", descending=True)
    yield f"**{subject}**"
    if best.is_empty() or rivals.is_empty():
        yield _NO_RIVAL
    else:
        yield _more_read(subject, plain, accuracy, best.row(0, named=True), rivals.row(0, named=True))
        yield from _fewer(subject, plain, accuracy)
        yield from _shorter(subject, plain)
    yield from _prompts(subject, plain)
    yield from _controls(subject, part)
    yield _grid(part, accuracy)


def _grid(part: pl.DataFrame, accuracy: pl.DataFrame) -> Grid:
    """Return a row per probe: accuracy at some sizes, code length, and that of its controls."""
    sizes = accuracy["train_values"].unique().sort().to_list()[::-1][::2][:_MOST_SIZES][::-1]
    controls = [name for name in ("shuffled", *STATE_CONTROLS) if name in set(part["control"])]
    rows = []
    for probe in accuracy["probe"].unique(maintain_order=True):
        of_probe = accuracy.filter(pl.col("probe") == probe)
        cells = {row["train_values"]: cell_of(row) for row in of_probe.iter_rows(named=True)}
        lengths = [_bits(part, probe, control) for control in ("none", *controls)]
        rows.append([probe, *(cells.get(size) for size in sizes), *lengths])
    lengths_of = ["bits per number", *(f"bits, {name}" for name in controls)]
    return Grid(["probe", *(f"{size} numbers" for size in sizes), *lengths_of], rows)


def _by_values(plain: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies against training numbers, with the most prompts of each."""
    accuracy = plain.filter(pl.col("metric") == "accuracy")
    return accuracy.filter(pl.col("train_prompts") == pl.col("train_prompts").max())


def _bits(part: pl.DataFrame, probe: str, control: str) -> Estimate | str | None:
    same = [pl.col("metric") == "code_length", pl.col("control") == control, pl.col("probe") == probe]
    found = part.filter(*same)
    return estimate_of(found.row(0, named=True)) if found.height else None


def _more_read(subject: str, plain: pl.DataFrame, accuracy: pl.DataFrame, best: Row, rival: Row) -> Statement:
    """Return the paired difference at the full amount; then, whether fewer numbers would have done."""
    lead = _paired(plain, "accuracy_lead", rival)
    numbers = {"values": rival["train_values"], "own": cell_of(best), "other": cell_of(rival), "lead": change_of(lead)}
    fewer = accuracy.filter((pl.col("probe") == LEADING) & (pl.col("ci_low") > rival["ci_high"])).sort("train_values")
    wording = _FULL + (_FIRST_ORDER if lead["note"] == "one order" else "")
    if lead["ci_low"] <= 0 <= lead["ci_high"]:
        wording += _NEITHER
    elif lead["ci_high"] < 0:
        wording += _RIVAL
    elif fewer.is_empty() or fewer["train_values"][0] == rival["train_values"]:
        wording += _AT_FULL
    else:
        wording += _BETTER_FED
        enough = fewer.row(0, named=True)
        numbers |= {"enough": enough["train_values"], "enough_accuracy": cell_of(enough)}
    return Statement(subject, f"`{rival['probe']}`", numbers, wording)


def _fewer(subject: str, plain: pl.DataFrame, accuracy: pl.DataFrame) -> Iterator[Statement]:
    """Yield with how many numbers, fewer than all, the leading probe or the best rival there reads more."""
    ahead: list[tuple[float, str, Difference | str]] = []
    behind: dict[str, Difference | str] = {}
    for size in accuracy["train_values"].unique().sort().to_list()[:-1]:
        rivals = accuracy.filter(
            (pl.col("train_values") == size) & ~pl.col("probe").is_in(WAVES) & pl.col("note").is_null()
        )
        for rival in rivals.sort("value", descending=True).head(1).iter_rows(named=True):
            lead = _paired(plain, "accuracy_lead", rival)
            place = f"{size} numbers, `{rival['probe']}`"
            if lead["ci_low"] > 0:
                ahead.append((lead["value"], place, change_of(lead)))
            if lead["ci_high"] < 0:
                behind[place] = change_of(lead)
    if ahead:
        _, place, most = max(ahead, key=lambda found: found[:2])
        yield Statement(subject, "the best rival there", {"leads": Listed({place: most}, "points")}, _AHEAD)
    if behind:
        yield Statement(subject, "the best rival there", {"leads": Listed(behind, "points")}, _BEHIND)


def _shorter(subject: str, plain: pl.DataFrame) -> Iterator[Statement]:
    """Yield the paired difference of the code lengths, to the rival whose code is shortest."""
    lengths = plain.filter(pl.col("metric") == "code_length").sort("value")
    rivals = lengths.filter(~pl.col("probe").is_in(WAVES))
    if rivals.is_empty() or LEADING not in set(lengths["probe"]):
        return
    rival = rivals.row(0, named=True)
    saved = _paired(plain, "bits_saved", rival)
    verdict = "shorter" if saved["ci_low"] > 0 else "longer" if saved["ci_high"] < 0 else "neither shorter nor longer"
    yield Statement(subject, f"`{rival['probe']}`", {"saved": estimate_of(saved), "verdict": verdict}, _CODE)


def _paired(plain: pl.DataFrame, metric: str, rival: Row) -> Row:
    """Return a difference to a rival at the rival's amounts."""
    same = [pl.col(name) == rival[name] for name in ("probe", "train_values", "train_prompts")]
    return plain.filter(pl.col("metric") == metric, *same).row(0, named=True)


def _prompts(subject: str, plain: pl.DataFrame) -> Iterator[Statement]:
    """Yield the gain from several prompts of a number."""
    rows = plain.filter((pl.col("metric") == "accuracy") & (pl.col("probe") == LEADING))
    rows = rows.filter(pl.col("train_values") == pl.col("train_values").max()).sort("train_prompts")
    if rows.height < 2:
        return
    few, *_, many = rows.iter_rows(named=True)
    numbers = {
        "many": many["train_prompts"],
        "few": few["train_prompts"],
        "accuracy": cell_of(many),
        "accuracy_of_few": cell_of(few),
        "verdict": "more" if many["ci_low"] > few["ci_high"] else "not measurably more",
    }
    yield Statement(subject, "", numbers, _PROMPTS)


def _controls(subject: str, part: pl.DataFrame) -> Iterator[Statement]:
    """Yield the accuracy at the full amount beside those of the controls that are states of their own."""
    rows = part.filter((pl.col("metric") == "accuracy") & (pl.col("probe") == LEADING))
    most = [pl.col(name) == pl.col(name).max() for name in ("train_values", "train_prompts")]
    at = {row["control"]: row for row in rows.filter(pl.all_horizontal(most)).iter_rows(named=True)}
    own, controls = at.get("none"), {name: at[name] for name in STATE_CONTROLS if name in at}
    if own is None or not controls:
        return
    alike = [name for name, row in controls.items() if row["ci_high"] >= own["ci_low"]]
    shares = Listed({f"`{name}`": cell_of(row) for name, row in controls.items()}, "%")
    numbers = {"values": own["train_values"], "own": cell_of(own), "controls": shares}
    comparison = " and ".join(f"`{name}`" for name in alike or controls)
    yield Statement(subject, comparison, numbers, _NOT_BEYOND if alike else _BEYOND)
