"""What a probe is and how well it reads, as one line and as HTML for notebooks."""

from collections.abc import Iterable
from html import escape
from typing import Any

import polars as pl

from numprobe.percent import per_cent
from numprobe.probes.measured import MEASURED, best_layer
from numprobe.probes.probe import Probe

# The order of columns; further controls follow as they come.
_CONTROLS = ("shuffled", "untrained", "mixed", "last_token", "constant")
# Colours are those of the page around, so that the table is legible on light and on dark pages.
_TABLE = "color:inherit;font-size:inherit"
_CELL = "text-align:right;padding:1px 8px"
_BAR = "display:inline-block;height:.7em;background:currentColor;opacity:.45"
_BAR_WIDTH = 80


def title(probe: Probe) -> str:
    """Return the kind of a probe, and the model and the context that it was fitted on as far as it knows them."""
    control = str(probe.metadata.get("control", "none"))
    name = f"{probe.kind} probe" if control == "none" else f"{probe.kind} probe, control {control},"
    model = probe.metadata.get("model")
    contexts = probe.metadata.get("contexts") or [probe.metadata.get("context")]
    places = ", ".join(str(context) for context in contexts if context)
    return name + (f" of {model}" if model else "") + (f" in {places}" if places else "")


def one_line(probe: Probe) -> str:
    """Return the title, the candidates, the layers and the best held-out accuracy."""
    first, last = int(probe.numbers[0]), int(probe.numbers[-1])
    layers = f"layer {probe.layers[0]}" if len(probe.layers) == 1 else f"{len(probe.layers)} layers"
    best = _best(probe)
    return f"<{title(probe)}: {first}..{last}, {layers}, width {probe.width}{f', {best}' if best else ''}>"


def _best(probe: Probe) -> str:
    row = best_layer(probe.accuracy) if MEASURED in probe.metadata else None
    return "" if row is None else f"reads {per_cent(row['value'], 1)} % of unseen numbers in layer {row['layer']}"


def page(probe: Probe) -> str:
    """Return a probe as HTML: facts about it, and a table of its accuracy by layer beside its controls."""
    parts = [f"<strong>{escape(title(probe))}</strong>", _facts(probe)]
    parts += [_table(probe)] if MEASURED in probe.metadata else [_unmeasured()]
    return f"<div>{''.join(parts)}</div>"


def _facts(probe: Probe) -> str:
    metadata = probe.metadata
    source = metadata.get("source") or {}
    facts = [
        f"numbers {int(probe.numbers[0])} to {int(probe.numbers[-1])}",
        f"states of width {probe.width}",
        f"layers {', '.join(probe.layers)}" if probe.layers else "no layers",
        *([f"nothing to read (constant) in {', '.join(probe.constant)}"] if probe.constant else []),
        *([f"model {source['id']}"] if source.get("id") else []),
        *([f"revision {metadata['revision']}"] if metadata.get("revision") else []),
        *([f"tokenizer {metadata['tokenizer_sha256'][:12]}"] if metadata.get("tokenizer_sha256") else []),
    ]
    return f"<div>{escape('; '.join(facts))}</div>"


def _unmeasured() -> str:
    return "<div>This file does not say how well the probe reads; results/tables/accuracy.csv of its study does.</div>"


def _table(probe: Probe) -> str:
    accuracy = probe.accuracy
    found = accuracy["control"].unique(maintain_order=True).to_list()
    controls = [*(name for name in _CONTROLS if name in found), *(n for n in found if n not in ("none", *_CONTROLS))]
    cells = {(row["layer"], row["control"]): row for row in accuracy.iter_rows(named=True)}
    heads = ["layer", "accuracy", "95 % interval", *controls]
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in heads)
    layers = accuracy.filter(pl.col("control") == "none")["layer"].unique(maintain_order=True)
    body = "".join(_row(layer, cells, controls) for layer in layers)
    most = int(accuracy.filter(pl.col("control") == "none")["n_values"].to_numpy().max())
    caption = f"Accuracy on {most} numbers that the probe has not seen, and that of its controls, in per cent"
    return (
        f'<table style="{_TABLE}"><caption style="text-align:left">{caption}</caption>'
        + f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(layer: str, cells: dict[tuple[str | None, str], dict[str, Any]], controls: Iterable[str]) -> str:
    own = cells[layer, "none"]
    columns = [_bar(own["value"]), _interval(own)]
    columns += [
        _share(cells.get((layer, control), cells.get((None, control), {})).get("value")) for control in controls
    ]
    shown = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in columns)
    return f'<tr><th scope="row" style="{_CELL}">{escape(layer)}</th>{shown}</tr>'


def _bar(share: float | None) -> str:
    if share is None:
        return "constant"
    return f'<span style="{_BAR};width:{round(_BAR_WIDTH * share)}px"></span> {_share(share)}'


def _interval(row: dict[str, Any]) -> str:
    return "" if row["ci_low"] is None else f"{_share(row['ci_low'])} to {_share(row['ci_high'])}"


def _share(share: float | None) -> str:
    return "" if share is None else escape(per_cent(share, 1))
