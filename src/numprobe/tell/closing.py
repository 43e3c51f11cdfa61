"""The last lines of a run: the main reading with its controls, where the report lies, and what to run next."""

import shlex
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from numprobe.errors import NumprobeError
from numprobe.percent import per_cent
from numprobe.probes.leading import choose_leading
from numprobe.tables import read_table

_EXAMPLE = "A pack of 12 pens costs 348 cents."
#: Contexts whose reading is told, the best first; of a study without these, its first one.
_TOLD = ("natural", "operand", "number")


def closing_lines(results: Path) -> list[str]:
    """Return three lines on a finished study.

    Parameters
    ----------
    results
        The folder of its results.

    Raises
    ------
    NumprobeError
        If the main tables are not there.
    """
    table = results / "tables" / "accuracy.parquet"
    if not table.is_file():
        raise NumprobeError(f"{results} holds no finished study ({table} is missing): run `make` or `numprobe study`")
    configuration = yaml.safe_load((results / "configuration.yaml").read_text(encoding="utf-8"))
    accuracy = read_table(table)
    chosen = results / "tables" / "chosen_layers.parquet"
    readings = read_table(chosen).filter(pl.col("fit_context") == pl.col("context")) if chosen.is_file() else accuracy
    best = _best(readings, configuration["models"][0]["name"])
    return [_reading(best, accuracy, configuration), _places(results), _next(best, configuration, results)]


def _best(readings: pl.DataFrame, model: str) -> dict[str, Any]:
    """Return the row in which the leading probe reads a model best, in the context that tells most.

    `readings`: those at the layer that inner values choose, or, where none is chosen, those of all layers.
    """
    rows = readings.filter(_measured() & (pl.col("model") == model) & (pl.col("control") == "none"))
    if not rows.height:
        raise NumprobeError(f"the table of accuracies has no reading of {model}: it was not measured")
    contexts = rows["context"].unique(maintain_order=True).to_list()
    told = next((context for context in _TOLD if context in contexts), contexts[0])
    probe = choose_leading(rows["probe"].unique(maintain_order=True).to_list())
    chosen = rows.filter((pl.col("context") == told) & (pl.col("probe") == probe))
    return chosen.sort("value", descending=True, maintain_order=True).row(0, named=True)


def _measured() -> pl.Expr:
    """Return the condition for accuracies over all numbers and folds."""
    whole = (pl.col("metric") == "accuracy") & (pl.col("subset") == "all") & pl.col("fold").is_null()
    return whole & pl.col("value").is_not_null() & pl.col("probe").is_not_null()


def _reading(best: dict[str, Any], accuracy: pl.DataFrame, configuration: dict[str, Any]) -> str:
    """Return the main reading, with its interval and the best of every control in any layer."""
    alike = accuracy.filter(_measured() & pl.all_horizontal(pl.col(key) == best[key] for key in _SAME))
    controls = alike.filter(pl.col("control") != "none").group_by("control").agg(pl.col("value").max()).sort("control")
    numbers = configuration["numbers"]
    chance = 1 / (numbers["max"] - numbers["min"] + 1)
    beside = [f"{_CONTROLS.get(name, name)} {per_cent(value)} %" for name, value in controls.iter_rows()]
    return (
        f"{best['model']}: the probe {best['probe']} reads {per_cent(best['value'])} % of unseen numbers in "
        f"`{best['context']}` (layer {best['layer']}; 95 % interval {per_cent(best['ci_low'])} to "
        f"{per_cent(best['ci_high'])}). Controls: {', '.join([*beside, f'chance {100 * chance:.2g} %'])}."
    )


_SAME = ("model", "context", "probe")
_CONTROLS = {
    "constant": "the most frequent answer",
    "mixed": "mixed embeddings without a network",
    "shuffled": "shuffled numbers",
    "untrained": "untrained network",
}


def _places(results: Path) -> str:
    """Return where the pages of a study lie, those that were made."""
    pages = {"report": "report.html", "explorer": "explorer.html", "lens": "lens/index.html", "tables": "tables"}
    made = [f"{name} {results / page}" for name, page in pages.items() if (results / page).exists()]
    return f"Open: {', '.join(made)}."


def _next(best: dict[str, Any], configuration: dict[str, Any], results: Path) -> str:
    """Return a command that shows what the probe reads in a text."""
    probe = results / "probes" / best["model"] / best["context"] / f"{best['probe']}.safetensors"
    model = _named_model(next(entry for entry in configuration["models"] if entry["name"] == best["model"]), results)
    return f"Next: {shlex.join(['numprobe', 'lens', model, str(probe), _EXAMPLE])}"


def _named_model(entry: dict[str, Any], results: Path) -> str:
    """Return a model as `numprobe lens` takes it."""
    if entry["source"] == "hub":
        return str(entry["id"])
    if entry["source"] == "path":
        return str(entry["path"])
    if entry["source"] == "package" and "folder" in entry:
        from numprobe.models.packages import find_package_folder

        return str(find_package_folder(entry["package"], entry["folder"]))
    return str(results / "models" / entry["name"])
