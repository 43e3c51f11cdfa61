"""Write the pages of the number lens of one model (rule write_lens)."""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, prepare_torch, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model, probes and levels -> a page for each example."""
    with importing():
        from numprobe.lens.command import Lens, content_of, load
        from numprobe.lens.examples import EXAMPLES
        from numprobe.lens.levels import STUDY_PASSAGES
        from numprobe.lens.page import write_page

    prepare_torch()
    source = parse_source(options.source)
    how = {"levels": options.levels, "dtype": options.dtype, "passages": STUDY_PASSAGES, "cached": False}
    lens = Lens(source, options.probe, options.controls, options.answer_probe, options.device, **how)
    loaded = load(lens, head=True, name=options.model)
    for example in EXAMPLES:
        # Some models cannot write an answer.
        content = content_of(loaded, example.text, example.answer, required=False)
        write_page(options.output / f"{example.name}.html", content)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the model in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--probe", type=Path, required=True, help="the probe; those of controls are found beside it")
    result.add_argument("--levels", type=Path, required=True, help="the levels of the probe")
    result.add_argument("--controls", nargs="*", default=[], help="controls to show beside the model")
    result.add_argument("--answer-probe", type=Path, metavar="FILE", help="probe that reads answers, for questions")
    result.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    result.add_argument("--dtype", default="float32", help="type of the weights in the forward pass")
    result.add_argument("--output", type=Path, required=True, help="folder of the pages")
    return result


if __name__ == "__main__":
    run(main, arguments())
