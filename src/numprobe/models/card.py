"""A model in one JSON file: what it is, and how it writes numbers."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numprobe.models.check import check_architecture
from numprobe.models.facts import language_config, model_width
from numprobe.models.gguf.record import read_record
from numprobe.models.record import identity
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.tokens import NumberTokenizer
from numprobe.models.weights import count_parameters

# Numbers beyond most ranges that show how long numerals are cut.
_LONG = (1234, 12345, 1234567)


def model_card(
    name: str, source: ModelSource, tokenizer: Any, minimum: int, maximum: int, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe a model without loading its weights.

    Parameters
    ----------
    name
        The model's name in the study.
    source
        Where it comes from.
    tokenizer
        Its fast tokenizer.
    minimum, maximum
        The range of numbers, both included.
    provenance
        What the file records of its making.

    Returns
    -------
    dict
        The content of `cards/{model}.json` (docs/files.md).

    Raises
    ------
    NumprobeError
        If the model cannot be found or is not supported, or its parts are not where they should be.
    """
    found = resolve_source(source)
    facts, config = check_architecture(found.folder, source.trust_remote_code)
    return {
        "name": name,
        "architecture": (config.get("architectures") or [None])[0],
        "model_type": config["model_type"],
        "layers": facts.layers,
        "width": model_width(config),
        "vocabulary": language_config(config).get("vocab_size"),
        "tied": facts.tied,
        "encoder": facts.encoder,
        "final_norm": facts.final_norm,
        "parameters": count_parameters(found.folder),
        **identity(source, tokenizer),
        **_quantisation(found.folder),
        **describe_numbers(NumberTokenizer(tokenizer, source.prefix_token), minimum, maximum),
        "provenance": dict(provenance),
    }


def _quantisation(folder: Path) -> dict[str, Any]:
    """What is told of the GGUF file that a folder was converted from; nothing of other folders."""
    record = read_record(folder)
    return {} if record is None else {"gguf": {key: value for key, value in record.items() if key != "provenance"}}


def describe_numbers(numbers: NumberTokenizer, minimum: int, maximum: int) -> dict[str, Any]:
    """Describe how minimum..maximum are written: single tokens, counts of tokens, examples, leading space."""
    single = list(numbers.number_tokens(range(minimum, maximum + 1))[0])
    ranges = as_ranges(single)
    counts = numbers.token_counts(range(minimum, maximum + 1))
    several = [value for value in range(minimum, maximum + 1) if value not in set(single)][:3]
    return {
        "single_token_numbers": {
            "count": len(single),
            "contiguous_from_minimum": ranges[0] if ranges and ranges[0][0] == minimum else None,
            "ranges": ranges,
        },
        "number_tokens": {str(tokens): count for tokens, count in counts.items()},
        "multi_token_examples": {str(value): numbers.pieces(str(value)) for value in (*several, *_LONG)},
        "leading_space": numbers.leading_space(),
    }


def as_ranges(values: Iterable[int]) -> list[list[int]]:
    """Ascending integers as [first, last] runs."""
    ranges: list[list[int]] = []
    for value in values:
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ranges
