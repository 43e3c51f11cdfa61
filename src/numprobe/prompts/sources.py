"""Draw texts for contexts of kind `natural` from datasets of the Hugging Face hub and from files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.prompts.corpus import read_corpus
from numprobe.seeding import generator
from numprobe.spelling import plain_numbers
from numprobe.texts import text_problem


def draw_texts(sources: Sequence[Mapping[str, Any]], texts: int, seed: int, context: str) -> pl.DataFrame:
    """Draw texts uniformly, without repetition, over all sources together, so that large sources give more.

    arXiv 2510.26285 mixes its corpora in this way. Texts without a number are not drawn, nor rows of a dataset in which
    a column of the template is null.

    Parameters
    ----------
    sources
        Each has `id` (a dataset of the hub), `split`, optionally `config` and `revision`, and `text`, a template with
        names of columns in braces; or `path` (a file that `read_corpus` reads). `domain` names what the texts are
        about; by default the last part of `id`, or the name of the file.
    texts
        Number of texts; all of them if the sources hold fewer.
    seed, context
        Seed and name for the draws.

    Returns
    -------
    polars.DataFrame
        Columns `text` and `domain`, in the order of the sources.

    Raises
    ------
    NumprobeError
        If the package `datasets` is missing, or a source cannot be read, holds what is no text (`numprobe.texts`) or no
        text with a number.
    """
    found = [row for source in sources for row in _read(source)]
    chosen = sorted(generator(seed, context, "texts").permutation(len(found))[:texts].tolist())
    return pl.DataFrame([found[place] for place in chosen], schema=["text", "domain"], orient="row")


def _read(source: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (text, domain) of every text with a number in a source."""
    name = str(source.get("path") or source["id"])
    domain = source.get("domain") or Path(name).stem
    written = _file_texts(name) if "path" in source else _dataset_texts(source)
    texts = []
    for place, text in enumerate(written, 1):
        if (problem := text_problem(text)) is not None:
            raise NumprobeError(f"datasets: {name}, text {place}: {problem}")
        if plain_numbers(text):
            texts.append((text, domain))
    if not texts:
        raise NumprobeError(f"datasets: {name} holds no text with a number")
    return texts


def _file_texts(path: str) -> Iterator[str]:
    # The split is decided when the prompts are made, over all sources together.
    return (passage.text for passage in read_corpus(path, 0, 0.5).passages)


def _dataset_texts(source: Mapping[str, Any]) -> Iterator[str]:
    template = str(source["text"])
    columns = [name for _, name, _, _ in Formatter().parse(template) if name]
    rows = _load(source)
    missing = [name for name in columns if name not in rows.column_names]
    if missing:
        raise NumprobeError(
            f"datasets: {source['id']} has no column {', '.join(missing)} (text: {template}); it has "
            f"{', '.join(rows.column_names)}"
        )
    return (
        template.format(**row) for row in rows.select_columns(columns) if all(row[name] is not None for name in columns)
    )


def _load(source: Mapping[str, Any]) -> Any:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise NumprobeError(
            f"the dataset {source['id']} needs the package `datasets`: pip install datasets, or leave the key "
            "`datasets` of the context out to use the built-in passages"
        ) from error
    try:
        return load_dataset(source["id"], source.get("config"), split=source["split"], revision=source.get("revision"))
    except Exception as error:
        # The package raises many kinds of errors: network, formats, scripts that it no longer runs.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise NumprobeError(
            f"the dataset {source['id']} cannot be loaded ({reason}): save its texts as a file and name it (path)"
        ) from error
