"""Do one job of an experiment: call the function of a module of the experiment's folder.

Run by the rules of the experiments; `numprobe explain EXPERIMENT` shows them.
"""

import argparse
import json
from importlib import import_module
from typing import Any

from _run import LIBRARY, importing, parser, run
from numprobe.experiments.given import Given


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Inputs and values -> the files of the job."""
    given = Given.from_json(json.loads(options.given), {**provenance, "script": options.job})
    with importing():
        module = import_module(f"numprobe.experiments.{options.experiment}.{options.module}")
    getattr(module, options.job)(given)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("experiment", help="name of the experiment")
    result.add_argument("job", help="name of the job, a function")
    result.add_argument("--module", default="measure", help="module of the experiment that holds it")
    result.add_argument(
        "--given", required=True, metavar="JSON", help="inputs, values, outputs, run and context (numprobe.experiments)"
    )
    return result


if __name__ == "__main__":
    run(main, arguments(), lambda options: [LIBRARY / "experiments" / options.experiment / f"{options.module}.py"])
