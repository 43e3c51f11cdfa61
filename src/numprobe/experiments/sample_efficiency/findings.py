"""Is a sinusoidal probe better, or only better fed? What the table of `sample_efficiency` says."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from numprobe.tell.markdown import cell, per_cent

#: Probes that write numbers as waves; all others are their rivals.
WAVES = ("fourier", "sinusoidal", "wave", "circular", "helix")
#: The probe that is compared with its rivals.
LEADING = "fourier"
_HEADING = "## How much data does each probe need?"
_METHOD = (
    "The numbers are put into random order, {orders} times; probes are fitted on the first {sizes}, ... and read the "
    "last ones. Code length: bits per number when the numbers of an order are sent block by block, with the "
    "probabilities of the probe that was fitted on the blocks before (the uniform code takes {uniform:.2f}). In "
    "brackets 95 % intervals over orders and numbers; `shuffled` has permuted numbers."
)
_MOST_SIZES = 4

Row = dict[str, Any]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """The section, as Markdown: code lengths, accuracies at some sizes, and a verdict per model and context.

    Parameters
    ----------
    tables
        Collected tables; of `sample_efficiency` is read.
    """
    table = tables["sample_efficiency"]
    measured = table.filter(pl.col("value").is_not_null())
    if measured.is_empty():
        return f"{_HEADING}\n\nNo model has enough numbers.\n"
    orders = measured["fold"].drop_nulls().n_unique()
    uniform = measured["candidates"].log(2)[0]
    joint = measured.filter(pl.col("fold").is_null())
    sizes = ", ".join(map(str, joint["train_values"].unique().sort().to_list()[:2]))
    parts = [_HEADING, _METHOD.format(orders=orders, uniform=uniform, sizes=sizes)]
    for part in joint.partition_by("model", "context", maintain_order=True):
        name = f"`{part['model'][0]}`, `{part['context'][0]}`, layer {part['layer'][0]}"
        parts += [f"**{name}.** {_verdict(part)}{_prompts(part)}", _table(part)]
    return "\n\n".join(parts) + "\n"


def _table(part: pl.DataFrame) -> str:
    """A row per probe: accuracy at some sizes, code length, and that of its control."""
    accuracy = _by_values(part)
    sizes = accuracy["train_values"].unique().sort().to_list()[::-1][::2][:_MOST_SIZES][::-1]
    lines = ["| probe | " + " | ".join([*(f"{size} numbers" for size in sizes), "bits per number", "shuffled"]) + " |"]
    lines.append("|---" * (len(sizes) + 3) + "|")
    for probe in accuracy["probe"].unique(maintain_order=True):
        of_probe = accuracy.filter(pl.col("probe") == probe)
        cells = {row["train_values"]: cell(row) for row in of_probe.iter_rows(named=True)}
        shown = [cells.get(size, "") for size in sizes]
        lengths = [_bits(part, probe, control) for control in ("none", "shuffled")]
        lines.append(" | ".join([f"| {probe}", *shown, *lengths]) + " |")
    return "\n".join(lines)


def _by_values(part: pl.DataFrame) -> pl.DataFrame:
    """Accuracies against training numbers, with the most prompts of each."""
    accuracy = part.filter((pl.col("metric") == "accuracy") & (pl.col("control") == "none"))
    return accuracy.filter(pl.col("train_prompts") == pl.col("train_prompts").max())


def _bits(part: pl.DataFrame, probe: str, control: str) -> str:
    same = [pl.col("metric") == "code_length", pl.col("control") == control, pl.col("probe") == probe]
    found = part.filter(*same)
    return "{value:.2f} [{ci_low:.2f}, {ci_high:.2f}]".format(**found.row(0, named=True)) if found.height else ""


def _verdict(part: pl.DataFrame) -> str:
    """Two sentences, chosen by the numbers: who reads more, and whose code is shorter."""
    accuracy = _by_values(part)
    full = accuracy.filter(pl.col("train_values") == pl.col("train_values").max())
    best = full.filter(pl.col("probe") == LEADING)
    rivals = full.filter(~pl.col("probe").is_in(WAVES)).sort("value", descending=True)
    if best.is_empty() or rivals.is_empty():
        return f"There is no `{LEADING}`, or no rival that is not made of waves, so nothing is compared."
    rival = rivals.row(0, named=True)
    sentences = [_more_read(part, accuracy, best.row(0, named=True), rival), _fewer(part, accuracy), _shorter(part)]
    return " ".join(sentence for sentence in sentences if sentence)


def _more_read(part: pl.DataFrame, accuracy: pl.DataFrame, best: Row, rival: Row) -> str:
    """Judged by the paired difference at the full amount; then, whether fewer numbers would have done."""
    both = f"`{LEADING}` reads {_share(best)} and its best rival `{rival['probe']}` {_share(rival)}"
    lead = _paired(part, "accuracy_lead", rival)
    where = f" in the first order, the only one of `{rival['probe']}`" if lead["note"] == "one order" else ""
    text = f"At {rival['train_values']} numbers {both}, a difference of {_points(lead)}{where}"
    if lead["ci_low"] <= 0 <= lead["ci_high"]:
        return f"{text}: neither is shown to read more."
    if lead["ci_high"] < 0:
        return f"{text}: the rival reads more."
    fewer = accuracy.filter((pl.col("probe") == LEADING) & (pl.col("ci_low") > rival["ci_high"])).sort("train_values")
    if fewer.is_empty() or fewer["train_values"][0] == rival["train_values"]:
        return f"{text}: better at the full amount, not shown to be better with less."
    enough = fewer.row(0, named=True)
    return f"{text}. Better, not better fed: {enough['train_values']} numbers suffice to pass it ({_share(enough)})."


def _fewer(part: pl.DataFrame, accuracy: pl.DataFrame) -> str:
    """With how many numbers, fewer than all, the leading probe or the best rival there reads more."""
    ahead, behind = [], []
    for size in accuracy["train_values"].unique().sort().to_list()[:-1]:
        rivals = accuracy.filter(
            (pl.col("train_values") == size) & ~pl.col("probe").is_in(WAVES) & pl.col("note").is_null()
        )
        for rival in rivals.sort("value", descending=True).head(1).iter_rows(named=True):
            lead = _paired(part, "accuracy_lead", rival)
            told = f"{_points(lead)} at {size}, over `{rival['probe']}`"
            if lead["ci_low"] > 0:
                ahead.append((lead["value"], told))
            if lead["ci_high"] < 0:
                behind.append(f"{_points(lead)} at {size}, under `{rival['probe']}`")
    more = f"With fewer numbers the lead is largest: {max(ahead)[1]}." if ahead else ""
    less = f"With fewer numbers a rival reads more: {'; '.join(behind)}." if behind else ""
    return f"{more} {less}".strip()


def _shorter(part: pl.DataFrame) -> str:
    """The paired difference of the code lengths, to the rival whose code is shortest."""
    lengths = part.filter((pl.col("metric") == "code_length") & (pl.col("control") == "none")).sort("value")
    rivals = lengths.filter(~pl.col("probe").is_in(WAVES))
    if rivals.is_empty() or LEADING not in set(lengths["probe"]):
        return ""
    rival = rivals.row(0, named=True)
    saved = _paired(part, "bits_saved", rival)
    bits = "{value:+.2f} bits [{ci_low:+.2f}, {ci_high:+.2f}]".format(**saved)
    told = "shorter" if saved["ci_low"] > 0 else "longer" if saved["ci_high"] < 0 else "neither shorter nor longer"
    return f"Over all sizes its code is {told} than that of `{rival['probe']}` (it saves {bits} per number)."


def _paired(part: pl.DataFrame, metric: str, rival: Row) -> Row:
    """A difference to a rival at the rival's amounts."""
    same = [pl.col(name) == rival[name] for name in ("probe", "train_values", "train_prompts")]
    return part.filter(pl.col("metric") == metric, *same).row(0, named=True)


def _prompts(part: pl.DataFrame) -> str:
    """Say what several prompts of a number add."""
    rows = part.filter((pl.col("metric") == "accuracy") & (pl.col("control") == "none") & (pl.col("probe") == LEADING))
    rows = rows.filter(pl.col("train_values") == pl.col("train_values").max()).sort("train_prompts")
    if rows.height < 2:
        return ""
    few, *_, many = rows.iter_rows(named=True)
    more = "more than" if many["ci_low"] > few["ci_high"] else "not measurably more than"
    prompts = f"With {many['train_prompts']} prompts per number `{LEADING}` reads {_share(many)}"
    return f" {prompts}, {more} with {few['train_prompts']} ({_share(few)})."


def _share(row: Row) -> str:
    return f"{per_cent(row['value'])} % [{per_cent(row['ci_low'])}, {per_cent(row['ci_high'])}]"


def _points(row: Row) -> str:
    return "{:+.0f} points [{:+.0f}, {:+.0f}]".format(*(100 * row[name] for name in ("value", "ci_low", "ci_high")))
