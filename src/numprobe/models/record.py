"""The identity of a model, as recorded in the files that are made with it."""

from dataclasses import asdict
from typing import Any

from numprobe.models.identity import tokenizer_sha256
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.weights import weights_sha256


def describe_source(source: ModelSource) -> dict[str, Any]:
    """Return a source as the mapping that `parse_source` reads, without unset keys."""
    return {key: value for key, value in asdict(source).items() if value}


def identity(source: ModelSource, tokenizer: Any) -> dict[str, Any]:
    """Return `source` (with the commit of a hub model), `revision`, `weights_sha256` and `tokenizer_sha256`.

    For an untrained control, the checksum is that of the model whose architecture it has; for a model whose embeddings
    alone are read, that of the files which hold them.
    """
    found = resolve_source(source)
    fixed = {"revision": found.revision} if source.kind == "hub" else {}
    return {
        "source": {**describe_source(source), **fixed},
        "revision": found.revision,
        "weights_sha256": weights_sha256(found.folder, source.embeddings_only),
        "tokenizer_sha256": tokenizer_sha256(tokenizer),
    }
