"""The card of a model: one JSON file on what the model is and how it writes numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numprobe.models.check import check_architecture
from numprobe.models.facts import check_matrices, language_config, model_width, vocabulary_layers
from numprobe.models.gguf.record import read_record
from numprobe.models.record import identity
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.tokens import NumberTokenizer
from numprobe.models.vocabulary_size import check_vocabulary, matrix_rows
from numprobe.models.weights import count_parameters

# Default of `numbers: {fewest_single: ...}` in the configuration.
_FEWEST_SINGLE = 50
_MATRICES = "spectra, embedding_probes, embedding_alignment, operand_precision, and the embedding part of others"
# Large numbers that show how the tokenizer splits long numerals.
_LONG = (1234, 12345, 1234567)


def model_card(
    name: str,
    source: ModelSource,
    tokenizer: Any,
    minimum: int,
    maximum: int,
    provenance: Mapping[str, Any],
    matrices: Sequence[str] | None = None,
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
        Provenance to store in the file.
    matrices
        The matrices that the configuration implies (`embedding`, `unembedding`); None if it does not say.

    Returns
    -------
    dict
        The content of `cards/{model}.json` (docs/files.md).

    Raises
    ------
    NumprobeError
        If the model cannot be found or is not supported, or its parts or matrices differ from the configuration.
    """
    found = resolve_source(source)
    facts, config = check_architecture(found.folder, source.trust_remote_code)
    check_matrices(vocabulary_layers(facts), matrices)
    check_vocabulary(tokenizer, matrix_rows(found.folder, config), source.prefix_token)
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
    """Return the card's entries on the GGUF file that a folder was converted from; empty for other folders."""
    record = read_record(folder)
    return {} if record is None else {"gguf": {key: value for key, value in record.items() if key != "provenance"}}


def describe_numbers(numbers: NumberTokenizer, minimum: int, maximum: int) -> dict[str, Any]:
    """Describe how the numbers minimum..maximum are tokenised: single tokens, token counts, examples, leading space."""
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


def writing_sentence(told: Mapping[str, Any], minimum: int, maximum: int) -> str:
    """Return one to three sentences on how a model writes numbers and which experiments apply.

    Parameters
    ----------
    told
        Result of `describe_numbers`.
    minimum, maximum
        The range of numbers, both included.
    """
    single, numbers = told["single_token_numbers"]["count"], range(minimum, maximum + 1)
    if single == len(numbers):
        return f"It writes every number of {minimum}..{maximum} as one token: all experiments apply."
    rows = f"use the {single} alone" if single >= _FEWEST_SINGLE else f"leave it out ({_MATRICES})"
    lost = len(numbers) - sum(told["number_tokens"].values())
    return (
        f"It writes numbers {_writing(told['number_tokens'], numbers)}: {single} of {minimum}..{maximum} are single "
        f"tokens{f', and {lost} do not consist of whole tokens and are left out' if lost else ''}. Numbers are read at "
        f"their last token; experiments on the rows of the embedding matrix {rows}."
    )


def _writing(counts: Mapping[str, int], numbers: range) -> str:
    """Return a phrase on how numbers are written, from the count of numbers by number of tokens."""
    digits = Counter(len(str(number)) for number in numbers)
    if dict(counts) == {str(length): count for length, count in digits.items()}:
        return "digit by digit"
    most = max(map(int, counts), default=0)
    return f"in up to {most} tokens" if most > 1 else "in one token, if at all"


def as_ranges(values: Iterable[int]) -> list[list[int]]:
    """Return ascending integers as [first, last] runs."""
    ranges: list[list[int]] = []
    for value in values:
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ranges
