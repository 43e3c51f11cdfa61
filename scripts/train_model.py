"""Train one small language model from scratch (rule train_model)."""

import argparse
import json
from pathlib import Path
from typing import Any

from _run import importing, parser, run, threads
from numprobe.errors import NumprobeError
from numprobe.training.specification import Specification


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Specification -> folder of the model, its checkpoints and its log."""
    specification = Specification.from_mapping(_json_object(options.spec))
    with importing():
        from transformers.utils.logging import disable_progress_bar

        from numprobe.training.train import check_range, train_model

    # One bar, that of the training; not one more per saved checkpoint.
    disable_progress_bar()
    check_range(options.minimum, options.maximum)
    train_model(options.name, specification, options.seed, options.maximum, options.output, threads(), provenance)


def _json_object(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NumprobeError(f"--spec is not valid JSON ({error})") from error


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--name", required=True, help="name of the model; weights and data order depend on it")
    result.add_argument("--spec", required=True, metavar="JSON", help="training specification, a JSON object")
    result.add_argument("--seed", type=int, required=True, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest number")
    result.add_argument("--maximum", type=int, default=999, help="largest number")
    result.add_argument("--output", type=Path, required=True, help="folder of the model")
    return result


if __name__ == "__main__":
    run(main, arguments())
