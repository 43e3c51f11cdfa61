"""Draw how the small models learn: loss and held-out accuracy over the steps of training (rule plot_training)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.draw.training import plot_training
from numprobe.tables import read_metadata, read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Logs of trainings -> the figure and the numbers drawn."""
    about = [read_metadata(path) for path in options.logs]
    checkpoints = {log["model"]: log["specification"]["checkpoints"] for log in about if "specification" in log}
    logs = [read_table(path) for path in options.logs]
    plot_training(logs, checkpoints, options.output, options.formats, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--logs", type=Path, nargs="+", required=True, help="training_log.parquet of each model, in the order to draw"
    )
    result.add_argument("--output", type=Path, required=True, help="path of the figure without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="formats of the images")
    return result


if __name__ == "__main__":
    run(main, arguments())
