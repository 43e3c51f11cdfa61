"""Shared parts of the programs that ask a model: the options, and the model with its questions."""

import argparse
from pathlib import Path

from _run import importing, parser, prepare_torch
from numprobe.models.source import parse_source


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
