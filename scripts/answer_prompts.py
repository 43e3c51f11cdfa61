"""Ask a model the arithmetic prompts of a context, and write its answers beside the true results.

Run by the rule `answer_prompts`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import ask_arguments, load_asked
from _run import run
from numprobe.prompts.examples import describe_examples
from numprobe.tables import write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts -> a table of answers."""
    from numprobe.answers.table import answer_table

    asker, questions = load_asked(options)
    shown = {"examples": describe_examples(questions.examples)} if questions.examples else {}
    write_table(options.output, answer_table(questions, asker.answers(questions)), provenance | shown)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = ask_arguments(__doc__)
    result.add_argument("--output", type=Path, required=True, help="table of answers to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
