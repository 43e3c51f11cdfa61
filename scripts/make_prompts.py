"""Make the prompts of one context: texts with numbers in them, and where each number stands (rule make_prompts)."""

import argparse
from typing import Any

from _run import parser, run
from numprobe.prompts.contexts import KINDS, make_prompts
from numprobe.prompts.corpus import describe_left_out
from numprobe.prompts.table import write_prompts


def arguments() -> argparse.ArgumentParser:
    """The options of this program; an option of another kind of context is an error."""
    result = parser(__doc__)
    result.add_argument("--context", metavar="NAME", required=True, help="name of the context; its draws depend on it")
    result.add_argument("--kind", choices=KINDS, required=True, help="what the texts are")
    result.add_argument("--seed", type=int, required=True, help="seed of the context's draws")
    result.add_argument("--minimum", type=int, required=True, help="smallest number")
    result.add_argument("--maximum", type=int, required=True, help="largest number")
    result.add_argument("--output", metavar="FILE.parquet", required=True, help="the table to write")
    only = result.add_argument_group("options of one kind", argument_default=argparse.SUPPRESS)
    per_value = "prompts per value and operation (operand: default 8; result: default 2)"
    only.add_argument("--per-value", type=int, metavar="N", help=per_value)
    operations = KINDS["result"]["operations"]
    only.add_argument("--operations", nargs="+", choices=operations, help="operations (result; default: all)")
    for operand in "ab":
        whose = f"range of operand {operand} (result; default: all numbers)"
        only.add_argument(f"--operand-{operand}", type=int, nargs=2, metavar=("FIRST", "LAST"), help=whose)
    only.add_argument("--shots", type=int, metavar="N", help="worked examples in front of each prompt (result)")
    only.add_argument("--chat", action="store_true", help="prompts are messages in a chat template (result)")
    only.add_argument("--texts", type=int, metavar="N", help="number of texts (natural; default 3000)")
    only.add_argument("--corpus", metavar="PATH", help=".txt, .jsonl or .parquet file of texts to use (natural)")
    only.add_argument("--test-share", type=float, metavar="SHARE", help="share of test texts of a corpus (default 0.3)")
    return result


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Generate, check and write the table."""
    given = {key: value for key, value in vars(options).items() if key in _KIND_OPTIONS}
    operands = {name: list(value) for name in "ab" if (value := getattr(options, f"operand_{name}", None))}
    given |= {"operands": operands} if operands else {}
    table, metadata = make_prompts(options.context, options.kind, options.seed, options.minimum, options.maximum, given)
    if "corpus" in metadata:
        left_out = describe_left_out(metadata["corpus"].get("left_out", {}))
        print(f"numerals of {given['corpus']} that stay as they are written: {left_out or 'none'}")
    write_prompts(options.output, table, provenance | metadata)


_KIND_OPTIONS = {key for defaults in KINDS.values() for key in defaults}

if __name__ == "__main__":
    run(main, arguments())
