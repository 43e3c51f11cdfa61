"""The entry of a model for the configuration, found from its id on the hub, its folder or its GGUF file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.facts import ModelFacts, model_width
from numprobe.models.source import ModelSource, check_hub_weights, hub_files, resolve_source
from numprobe.names import study_name


@dataclass(frozen=True)
class FoundModel:
    """A model as the configuration names it.

    Attributes
    ----------
    entry
        The entry under `models`.
    told
        How it writes the numbers of the study (`numprobe.models.card.describe_numbers`).
    facts
        Which states it has.
    width
        Components of a state; None where the files do not say.
    tensors
        Of a GGUF file: type -> number of tensors.
    converted_bytes
        Size of the float32 weights that the workflow makes of a GGUF file; 0 for other models.
    """

    entry: dict[str, Any]
    told: dict[str, Any]
    facts: ModelFacts
    width: int | None
    tensors: dict[str, int]
    converted_bytes: int


def find_model(id: str, minimum: int, maximum: int, revision: str | None = None, name: str | None = None) -> FoundModel:
    """Find a model, check that it can be read, and return its entry.

    Parameters
    ----------
    id
        Id on the Hugging Face hub (org/model), a local folder or a GGUF file.
    minimum, maximum
        The numbers of the study.
    revision
        Branch, tag or commit on the hub; the entry names the commit.
    name
        Name in the study; by default the last part of the id.

    Raises
    ------
    NumprobeError
        If it is not there, or cannot be read.
    """
    return (_find_gguf if is_gguf(id) else _find_folder)(id, minimum, maximum, revision, name)


def find_source(id: str, revision: str | None) -> ModelSource:
    """Return a local folder if there is one of that name, else a model of the hub.

    Raises
    ------
    NumprobeError
        If it is a GGUF file, or a folder with a revision.
    """
    if is_gguf(id):
        raise NumprobeError(f"{id} is a GGUF file: name the folder that it is converted to, results/models/NAME")
    if not Path(id).expanduser().is_dir():
        return ModelSource("hub", id=id, revision=revision)
    if revision is not None:
        raise NumprobeError(f"{id} is a local folder, which has no revisions: leave --revision out")
    return ModelSource("path", path=id)


def is_gguf(id: str) -> bool:
    """Return whether a model is given as a local GGUF file."""
    return id.endswith(".gguf") or Path(id).expanduser().is_file()


def _find_folder(id: str, minimum: int, maximum: int, revision: str | None, name: str | None) -> FoundModel:
    source = find_source(id, revision)
    if source.kind == "hub":
        # Resolve the commit first, so that all files are of one revision; the weights are not needed yet.
        commit, files = hub_files(id, revision)
        check_hub_weights(id, files)
        source = ModelSource("hub", id=id, revision=commit)
    folder = resolve_source(source, weights=source.kind != "hub").folder
    if source.kind == "hub":
        check_hub_weights(id, files, folder)
    from numprobe.models.check import check_architecture
    from numprobe.models.load import load_tokenizer
    from numprobe.models.vocabulary_size import check_vocabulary, matrix_rows

    facts, config = check_architecture(folder)
    tokenizer = load_tokenizer(source)
    check_vocabulary(tokenizer, matrix_rows(folder, config))
    told = _numbers(tokenizer, minimum, maximum)
    width = model_width(config)
    entry = _entry(_name(name, Path(id).expanduser().resolve().name), source, facts, width)
    single = {"single_tokens": told["single_token_numbers"]["count"]} if source.kind == "hub" else {}
    return FoundModel(entry | single, told, facts, width, {}, 0)


def _find_gguf(id: str, minimum: int, maximum: int, revision: str | None, name: str | None) -> FoundModel:
    from numprobe.models.gguf.architecture import count_types, gguf_facts, gguf_width, read_known_model

    if revision is not None:
        raise NumprobeError(f"{id} is a file, which has no revisions: leave --revision out")
    header = read_known_model(Path(id).expanduser())
    from numprobe.models.gguf.tokenizer import read_tokenizer

    told = _numbers(read_tokenizer(header.path), minimum, maximum)
    entry = {"name": _name(name, header.path.stem), "source": "gguf", "path": id}
    size = 4 * sum(tensor.weights for tensor in header.tensors.values())
    return FoundModel(entry, told, gguf_facts(header), gguf_width(header), count_types(header), size)


def _name(given: str | None, found: str) -> str:
    """Return the given name, or the valid name nearest to the model's own."""
    if given is None:
        return study_name(found)
    if given != study_name(given):
        raise NumprobeError(f"--name {given!r} cannot name a model: use {study_name(given)}")
    return given


def _entry(name: str, source: ModelSource, facts: ModelFacts, width: int | None) -> dict[str, Any]:
    """Return the entry of the configuration. It holds facts only for hub models; others are inspected."""
    if source.kind == "path":
        return {"name": name, "source": "path", "path": source.path}
    # A model without an output matrix has no second matrix to read, like a tied one.
    tied = facts.tied or not facts.unembedding
    told = {"encoder": (facts.encoder, False), "tied": (tied, True), "final_norm": (facts.final_norm, True)}
    unusual = {key: value for key, (value, usual) in told.items() if value != usual}
    located = {"name": name, "source": "hub", "id": source.id, "revision": source.revision}
    return {**located, "n_layers": facts.layers, **({"width": width} if width else {}), **unusual}


def _numbers(tokenizer: Any, minimum: int, maximum: int) -> dict[str, Any]:
    """Describe how a model writes the numbers of the study."""
    from numprobe.models.card import describe_numbers
    from numprobe.models.tokens import NumberTokenizer

    return describe_numbers(NumberTokenizer(tokenizer), minimum, maximum)
