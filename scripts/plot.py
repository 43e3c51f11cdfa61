"""Draw a figure of an experiment from its collected tables.

Run by the rules `plot_FIGURE`.
"""

import argparse
import json
from importlib import import_module
from typing import Any

from _figure import figure_parser
from _run import EXPERIMENTS, run
from numprobe.draw.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    module = import_module(f"numprobe.experiments.{options.experiment}.figure")
    tables = {path.stem: read_table(path) for path in options.table}
    figure, drawn = getattr(module, options.figure)(tables, json.loads(options.values))
    save_figure(figure, options.output, options.formats, drawn, {**provenance, "script": f"plot_{options.figure}"})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = figure_parser(__doc__, "collected tables (Parquet)", several=True)
    result.add_argument("experiment", help="name of the experiment")
    result.add_argument("--figure", required=True, help="name of the figure, a function of the module figure.py")
    result.add_argument("--values", default="{}", metavar="JSON", help="further values that the figure is given")
    return result


if __name__ == "__main__":
    run(main, arguments(), lambda options: [EXPERIMENTS / options.experiment / "figure.py"])
