"""Draw a figure from its collected tables.

Run by the rules `plot_FIGURE`.
"""

import argparse
import json
from importlib import import_module
from pathlib import Path
from typing import Any

from _run import LIBRARY, parser, run
from numprobe.draw.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    module = import_module(f"numprobe.{options.module}")
    tables = {path.stem: read_table(path) for path in options.table}
    figure, drawn = getattr(module, options.figure)(tables, json.loads(options.values))
    save_figure(figure, options.output, options.formats, drawn, {**provenance, "script": f"plot_{options.figure}"})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("module", help="module of the library, such as draw.spectra or experiments.NAME.figure")
    result.add_argument("--figure", required=True, help="name of the figure, a function of the module")
    result.add_argument("--values", default="{}", metavar="JSON", help="further values that the figure is given")
    result.add_argument("--table", type=Path, nargs="+", required=True, help="collected tables (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments(), lambda options: [LIBRARY.joinpath(*options.module.split(".")).with_suffix(".py")])
