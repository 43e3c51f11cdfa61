"""Write a folder of probes as it is published: the files, their list, the measurements, a figure and a card."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from numprobe import __version__
from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError
from numprobe.layers import layer_order
from numprobe.probes.measured import MEASURED, measured_table
from numprobe.probes.probe import Probe
from numprobe.probes.published import FORMAT, INDEX, file_of
from numprobe.publish.card import card
from numprobe.sealed import write_sealed_json
from numprobe.tables import measurements

#: Name of the table of all measurements and of the figure that shows them.
FIGURE = "accuracy"
_NO_CONTEXT = "states"
_DRAWN_COLUMNS = ("layer", "control", "metric", "value", "ci_low", "ci_high", "n_values", "n_prompts")


def write_folder(probes: Iterable[Probe], folder: str | Path, id: str, licence: str = "mit") -> dict[str, Any]:
    """Write probes of one model with their card, and return their list, which `numprobe.json` holds.

    Parameters
    ----------
    probes
        Probes with measurements (`Probe.accuracy`); each is written before the next is asked for.
    folder
        The folder; new or empty.
    id
        The repository that they are for, for the card.
    licence
        Its licence, by the hub's name for it.

    Raises
    ------
    NumprobeError
        If the folder holds something, or a probe has no measurements.
    """
    folder = Path(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise NumprobeError(f"{folder} exists and is not empty: name another folder, or delete it")
    written: list[Probe] = []
    for probe in probes:
        named = _named(probe)
        measured_table(named.metadata)
        named.save(folder / file_of(str(named.metadata["context"]), named.kind))
        written.append(replace(named, tensors={}))
    table = _table(written)
    table = _table(written)
    drawn = _draw(table, written, folder / FIGURE)
    _write(folder / f"{FIGURE}.csv", table.write_csv())
    _write(folder / "README.md", card(written, id, licence, drawn))
    index = _index(written)
    # Last: a folder with a list is complete.
    write_sealed_json(folder / INDEX, index)
    return index


def _named(probe: Probe) -> Probe:
    """Return the probe with a context, which names its folder."""
    return replace(probe, metadata={**probe.metadata, "context": probe.metadata.get("context") or _NO_CONTEXT})


def _index(probes: list[Probe]) -> dict[str, Any]:
    first = probes[0]
    entries = [
        {"context": probe.metadata["context"], "kind": probe.kind, "layers": list(probe.layers)} for probe in probes
    ]
    numbers = {"minimum": int(first.numbers[0]), "maximum": int(first.numbers[-1])}
    told = {name: first.metadata.get(name) for name in ("model", "revision", "tokenizer_sha256")}
    return {"format": FORMAT, "numprobe": __version__, **told, **numbers, "probes": entries}


def _table(probes: list[Probe]) -> pl.DataFrame:
    """Return all measurements in the schema of a study's tables."""
    return measurements(
        [
            {
                "model": probe.metadata.get("model") or "model",
                "context": probe.metadata["context"],
                "probe": row["control"] if row["control"] in ("constant", "last_token") else probe.kind,
                **{name: row[name] for name in _DRAWN_COLUMNS},
            }
            for probe in probes
            for row in probe.metadata[MEASURED]
        ]
    ).unique(maintain_order=True)


def _draw(table: pl.DataFrame, probes: list[Probe], output: Path) -> bool:
    """Draw the accuracy over the layers as a study does, and return whether there are layers of a model."""
    try:
        layer_order(table["layer"].drop_nulls())
    except NumprobeError:
        return False
    import matplotlib

    from numprobe.draw.accuracy import accuracy
    from numprobe.draw.style import save_figure, use_style

    # The user's own figures look as before.
    backend = matplotlib.get_backend()
    with matplotlib.rc_context():
        use_style()
        figure, _ = accuracy({"accuracy": table}, {"candidates": len(probes[0].numbers)})
        save_figure(figure, output, ["png"], table, {})
    matplotlib.use(backend)
    return True


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text)
