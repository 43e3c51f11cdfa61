"""Shared parts of the programs that ask a model: the options, and the model with its questions."""

import argparse
from pathlib import Path

from _run import importing, parser, prepare_torch
from numprobe.models.source import parse_source
from numprobe.splits import Split, make_split


def model_arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that name a model."""
    result = parser(description)
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--batch-tokens", type=int, default=16384, help="tokens in one batch at the most")
    result.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, or map= and a device map")
    result.add_argument("--dtype", default="float32", help="type of the weights: float32, bfloat16, float16 or auto")
    return result


def ask_arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that name a model and its prompts."""
    result = model_arguments(description)
    result.add_argument(
        "--prompts", type=Path, required=True, help="prompt table of a context of kind result (Parquet)"
    )
    return result


def load_asker(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """The model that is asked."""
    with importing():
        from numprobe.answers.load import Asking, load_asker

    prepare_torch()
    return load_asker(Asking(parse_source(options.source), options.dtype, options.device, options.batch_tokens))


def load_asked(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """The model that is asked, and its questions."""
    from numprobe.answers.load import load_questions

    asker = load_asker(options)
    return asker, load_questions(asker, options.prompts)


def intervention_arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of a change of states over a grid of layers and strengths."""
    result = ask_arguments(description)
    result.add_argument("--patterns", type=Path, required=True, help="patterns of this model and context (safetensors)")
    result.add_argument("--layers", nargs="+", required=True, help="layers to change, one at a time")
    result.add_argument("--strengths", type=float, nargs="+", required=True, help="factors of the change")
    result.add_argument("--per-operation", type=int, default=500, help="prompts of each operation, at most")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the true results")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


def split_of_options(options: argparse.Namespace) -> Split:
    """Values and folds of the study."""
    return make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
