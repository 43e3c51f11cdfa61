"""Probes by name: find the file of one among those of a repository on the Hugging Face hub, or of a folder."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.source import asking_hub
from numprobe.probes.registry import remember
from numprobe.sealed import read_sealed_json

#: The list of a folder's or repository's probes.
INDEX = "numprobe.json"
FORMAT = "numprobe probes 1"
_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
# Names become parts of paths; a list from the hub may hold anything.
_NAME = re.compile(r"\w[\w.+-]*")
#: The kind that is taken if none is named.
_USUAL = "fourier"


def locate(path: str | Path, context: str | None, kind: str | None, revision: str | None) -> Path:
    """Return the file of a probe.

    Parameters
    ----------
    path
        A probe file; a folder that `numprobe publish --dry-run` wrote, or that a study has of a model
        (`results/probes/MODEL`); or, if there is no file of this name, the id of a repository on the Hugging Face hub.
    context, kind
        Which of several probes. None: the only context; `fourier`, or the only kind.
    revision
        Branch, tag or commit on the hub.

    Raises
    ------
    NumprobeError
        If there is no such probe, several fit, or the hub cannot be asked.
    """
    named = Path(path)
    on_hub = isinstance(path, str) and not named.exists() and is_hub_id(path)
    if revision is not None and not on_hub:
        raise NumprobeError(f"{path} is no id of the Hugging Face hub, so it has no revisions: leave revision out")
    if on_hub:
        return _on_hub(str(path), context, kind, revision)
    if named.is_dir():
        return _in_folder(named, context, kind)
    if named.is_file() and (context, kind) != (None, None):
        raise NumprobeError(f"{path} is one probe: leave context and kind out, or name the folder or repository")
    return named


def is_hub_id(name: str) -> bool:
    """Return whether a name may be that of a repository on the hub, rather than of a file."""
    return _HUB_ID.fullmatch(name) is not None and not name.endswith(".safetensors")


def file_of(context: str, kind: str) -> str:
    """Return the path of a probe within its folder or repository."""
    return f"{context}/{kind}.safetensors"


def read_index(path: Path) -> dict[str, Any]:
    """Return a list of probes.

    Raises
    ------
    NumprobeError
        If it cannot be read, is damaged, or no list of probes.
    """
    index = read_sealed_json(path)
    probes = index.get("probes")
    if index.get("format") != FORMAT or not isinstance(probes, list) or not all(map(_is_entry, probes)):
        raise NumprobeError(f"{path} is no list of probes that this version of numprobe reads ({FORMAT})")
    return index


def _is_entry(entry: Any) -> bool:
    names = [entry.get(name) for name in ("context", "kind")] if isinstance(entry, dict) else [None]
    return all(isinstance(name, str) and _NAME.fullmatch(name) for name in names)


def _on_hub(id: str, context: str | None, kind: str | None, revision: str | None) -> Path:
    file = _fetch(id, INDEX, revision)
    index = read_index(file)
    # The cache names the folder of a snapshot by its commit: the probe is of the same one as the list.
    commit = file.parent.name
    found = _fetch(id, _chosen(id, index["probes"], context, kind), commit)
    remember(id, commit, index)
    return found


def _fetch(id: str, name: str, revision: str | None) -> Path:
    """Return a file of a repository in the local cache, after downloading it if it is not there."""
    import huggingface_hub
    from huggingface_hub import errors

    def ask() -> str | None:
        try:
            return str(huggingface_hub.hf_hub_download(id, name, revision=revision))
        except errors.RemoteEntryNotFoundError:
            return None

    found = asking_hub(id, revision, ask, "give a local folder or file")
    if found is None:
        raise NumprobeError(f"{id} has no {name} on the Hugging Face hub, so it holds no such probe: check the id")
    return Path(found)


def _in_folder(folder: Path, context: str | None, kind: str | None) -> Path:
    if (folder / INDEX).is_file():
        return folder / _chosen(str(folder), read_index(folder / INDEX)["probes"], context, kind)
    # Controls and probes of answers have a second ending.
    files = [file for file in sorted(folder.glob("*/*.safetensors")) if "." not in file.stem]
    if not files:
        raise NumprobeError(f"{folder} holds no probes: name a probe file, or results/probes/MODEL")
    entries = [{"context": file.parent.name, "kind": file.stem} for file in files]
    return folder / _chosen(str(folder), entries, context, kind)


def _chosen(where: str, entries: Sequence[Mapping[str, Any]], context: str | None, kind: str | None) -> str:
    """Return the path of the probe of a context and a kind."""
    contexts = list(dict.fromkeys(entry["context"] for entry in entries))
    if context is None:
        if len(contexts) != 1:
            raise NumprobeError(f"{where} has probes of several contexts: give context=..., one of {_listed(contexts)}")
        context = contexts[0]
    if context not in contexts:
        raise NumprobeError(f"{where} has no probes of the context '{context}': it has {_listed(contexts)}")
    kinds = [entry["kind"] for entry in entries if entry["context"] == context]
    if kind is None:
        if len(kinds) != 1 and _USUAL not in kinds:
            raise NumprobeError(f"{where} has several probes of {context}: give kind=..., one of {_listed(kinds)}")
        kind = kinds[0] if len(kinds) == 1 else _USUAL
    if kind not in kinds:
        raise NumprobeError(f"{where} has no probe '{kind}' of the context '{context}': it has {_listed(kinds)}")
    return file_of(context, kind)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
