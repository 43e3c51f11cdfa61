"""Ask a model the arithmetic prompts of a context, and write its answers beside the true results.

Run by the rule `answer_prompts`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, prepare_torch, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts -> a table of answers."""
    with importing():
        from numprobe.answers.load import AnswerSettings, load_answer_model, load_questions
        from numprobe.answers.table import write_answers

    prepare_torch()
    how = AnswerSettings(parse_source(options.source), options.dtype, options.device, options.batch_tokens)
    answer_model = load_answer_model(how)
    write_answers(options.output, answer_model, load_questions(answer_model, options.prompts), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--batch-tokens", type=int, default=16384, help="tokens in one batch at the most")
    result.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, or map= and a device map")
    result.add_argument("--dtype", default="float32", help="type of the weights: float32, bfloat16, float16 or auto")
    result.add_argument(
        "--prompts", type=Path, required=True, help="prompt table of a context of kind result (Parquet)"
    )
    result.add_argument("--output", type=Path, required=True, help="table of answers to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
