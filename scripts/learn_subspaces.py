"""Train the subspaces of a model's states whose interchange between two prompts changes the answer as the number would.

Run by the rule `learn_subspaces`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import ask_arguments, load_asker
from _run import run
from numprobe.probes.probe import load_probe
from numprobe.splits import make_split
from numprobe.tables import read_metadata

_IDENTITY = ("model", "source", "revision", "weights_sha256", "tokenizer_sha256")


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model and the context that says how pairs are asked -> bases."""
    from numprobe.interventions.interchange import Training
    from numprobe.interventions.learn_subspaces import learn_subspaces, pairs_of_context

    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    known = load_probe(options.probe).metadata
    metadata = {name: known.get(name) for name in _IDENTITY} | {"context": options.context, "provenance": provenance}
    context = read_metadata(options.prompts)
    pairs = pairs_of_context(
        options.operations, options.pairs, options.test_pairs, context, options.target, options.operand
    )
    asker = load_asker(options)
    learn_subspaces(
        asker,
        split,
        options.layers or options.candidates,
        options.layers is None,
        options.seeds,
        options.rank,
        pairs,
        Training(steps=options.steps, batch=options.batch),
        options.seed,
        metadata,
    ).save(options.output)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = ask_arguments(__doc__)
    result.add_argument("--probe", type=Path, required=True, help="a probe of this model, which knows its identity")
    result.add_argument("--context", required=True, help="name of the context, for the file")
    layers = result.add_mutually_exclusive_group(required=True)
    layers.add_argument("--layers", nargs="+", help="layers whose states are interchanged")
    layers.add_argument(
        "--candidates",
        nargs="+",
        help="layers; the first and the deepest that carries the operand are taken",
    )
    operations = "operations, as far as the context has them"
    result.add_argument("--operations", nargs="+", choices=["+", "-", "*", "/"], default=["+", "-"], help=operations)
    result.add_argument("--operand", choices=["a", "b"], default="b", help="the operand that is interchanged")
    result.add_argument(
        "--target", choices=["result", "answer"], default="result", help="lead to true results, or to own answers"
    )
    result.add_argument(
        "--rank", type=int, help="directions of a basis; default: as many as a probe of the layer needs"
    )
    result.add_argument("--seeds", type=int, default=3, help="random starts")
    result.add_argument("--pairs", type=int, default=4000, help="pairs of prompts that train")
    result.add_argument("--test-pairs", type=int, default=600, help="pairs that test; half as many choose the steps")
    result.add_argument("--steps", type=int, default=200, help="updates of each basis")
    result.add_argument("--batch", type=int, default=64, help="pairs in each update")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--output", type=Path, required=True, help="bases to write (safetensors)")
    return result


if __name__ == "__main__":
    run(main, arguments())
