"""Make the prompt table of a context from its entry in the configuration."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from numprobe.atomic import file_sha256
from numprobe.errors import NumprobeError
from numprobe.prompts.arithmetic import make_arithmetic
from numprobe.prompts.corpus import Corpus, read_corpus
from numprobe.prompts.examples import describe_examples
from numprobe.prompts.generate import digit_runs, natural_prompts, number_prompts, operand_prompts
from numprobe.prompts.natural import load_passages
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.spelling import plain_numbers

#: Kind of context -> its options and their defaults. `corpus` None: the built-in passages; `operands` None: all.
KINDS: dict[str, dict[str, Any]] = {
    "number": {},
    "operand": {"per_value": 8},
    "result": {
        "per_value": 2,
        "operations": list(ARITHMETIC_TEMPLATES),
        "operands": None,
        "shots": 0,
        "chat": False,
    },
    "natural": {"texts": 3000, "corpus": None, "test_share": 0.3},
}

_TEXT_SPLIT_SEED = 0


def make_prompts(
    name: str, kind: str, seed: int, minimum: int, maximum: int, options: Mapping[str, Any]
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the prompt table of one context, and the metadata that describes it.

    Parameters
    ----------
    name
        The context's name; every draw depends on it and on `seed`.
    kind
        One of `KINDS`.
    seed
        The context's seed.
    minimum, maximum
        Range of numbers, both included, 0 <= minimum < maximum.
    options
        Options of the kind that differ from the defaults in `KINDS`.

    Returns
    -------
    table, metadata
        The prompts, and `context` (the entry, defaults filled in), `seed`, `numbers`; with worked examples `examples`;
        for a corpus `corpus`: its sha256, its number of passages, how many texts were `skipped` for lack of a
        number, and how many numerals were `left_out` by reason, if any.

    Raises
    ------
    NumprobeError
        If an option does not apply to the kind or has an invalid value, or if the corpus cannot be used.
    """
    entry = _entry(name, kind, options)
    _check(name, minimum, maximum, entry)
    metadata = {"context": {"name": name, "kind": kind, **entry}, "seed": seed}
    metadata["numbers"] = {"min": minimum, "max": maximum}
    if kind == "number":
        return number_prompts(minimum, maximum), metadata
    if kind == "operand":
        return operand_prompts(minimum, maximum, seed, name, entry["per_value"]), metadata
    if kind == "result":
        table, examples = make_arithmetic(name, entry, (minimum, maximum), seed)
        return table, metadata | ({"examples": describe_examples(examples)} if examples else {})
    passages, slots = load_passages(), digit_runs
    if entry["corpus"] is not None:
        # One constant for all contexts, so that a corpus text is in the same split in each of them.
        corpus = read_corpus(entry["corpus"], _TEXT_SPLIT_SEED, entry["test_share"])
        passages, slots = corpus.passages, plain_numbers
        metadata["corpus"] = _described(entry["corpus"], corpus)
    return natural_prompts(minimum, maximum, seed, name, passages, entry["texts"], slots), metadata


def _entry(name: str, kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the kind, defaults filled in."""
    if kind not in KINDS:
        raise NumprobeError(f"context '{name}': unknown kind '{kind}', use one of {', '.join(KINDS)}")
    foreign = sorted(set(options) - set(KINDS[kind]))
    if foreign:
        known = ", ".join(KINDS[kind]) or "none"
        raise NumprobeError(
            f"context '{name}': {', '.join(foreign)} does not apply to kind '{kind}' (its options: {known})"
        )
    if "test_share" in options and options.get("corpus") is None:
        raise NumprobeError(f"context '{name}': test_share applies to a corpus only: the built-in split is fixed")
    entry = {**KINDS[kind], **options}
    if kind == "natural" and entry["corpus"] is None:
        del entry["test_share"]
    return entry


def _check(name: str, minimum: int, maximum: int, entry: Mapping[str, Any]) -> None:
    if not 0 <= minimum < maximum < 2**31:
        raise NumprobeError(
            f"numbers {minimum}..{maximum}: min must be at least 0 and smaller than max, max below 2^31"
        )
    for key in ("per_value", "texts"):
        if entry.get(key, 1) < 1:
            raise NumprobeError(f"context '{name}': {key} is {entry[key]}, it must be at least 1")
    if entry.get("shots", 0) < 0:
        raise NumprobeError(f"context '{name}': shots is {entry['shots']}, it must be at least 0")
    if not 0 < entry.get("test_share", 0.5) < 1:
        raise NumprobeError(f"context '{name}': test_share is {entry['test_share']}, it must lie between 0 and 1")
    operations = entry.get("operations", ["+"])
    if not operations or len(set(operations)) < len(operations) or not set(operations) <= set(ARITHMETIC_TEMPLATES):
        raise NumprobeError(
            f"context '{name}': operations are {list(operations)}, name each of {' '.join(ARITHMETIC_TEMPLATES)} at "
            "most once, and at least one"
        )


def _described(path: str, corpus: Corpus) -> dict[str, Any]:
    described = {"sha256": file_sha256(path), "passages": len(corpus.passages), "skipped": corpus.skipped}
    return described | ({"left_out": corpus.left_out} if corpus.left_out else {})
