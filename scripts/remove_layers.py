"""Ask a model its arithmetic prompts without each block, and without the attention or the MLP of each block.

Run by the rule `remove_layers`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import ask_arguments, load_asked
from _run import run
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model and prompts -> a table of measurements."""
    from numprobe.answers.sample import sample_questions
    from numprobe.evaluation.layer_removal import COLUMNS, removal_rows
    from numprobe.interventions.removal import removal_answers

    asker, every = load_asked(options)
    questions = sample_questions(every, options.per_operation, options.seed)
    before, after = asker.answers(questions).values, removal_answers(asker, questions)
    rows = removal_rows(questions.table, before, after, options.resamples, options.seed)
    names = {"model": options.model, "context": options.context}
    write_table(options.output, measurements([{**names, **row} for row in rows], COLUMNS), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = ask_arguments(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--context", required=True, help="the context's name in the table")
    result.add_argument("--per-operation", type=int, default=1000, help="prompts of each operation at the most")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the true results")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
