"""The source of a model, and the local folder that holds it."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from numprobe.errors import NumprobeError
from numprobe.models.checksums import compare_checksums
from numprobe.models.described import check_model_folder
from numprobe.models.gguf.record import RECORD, read_record
from numprobe.models.packages import find_package_folder
from numprobe.models.weights import INDEX, SINGLE, embedding_shards, shards

T = TypeVar("T")

#: A commit hash on the hub.
COMMIT = re.compile("[0-9a-f]{40}")
# The hub's default revision.
_BRANCH = "main"

_NEEDED = {
    "hub": ("id",),
    "path": ("path",),
    "package": ("package", "folder"),
    "train": ("folder",),
    "gguf": ("folder",),
}
_TOKENIZER_AND_CONFIG = [
    "config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "chat_template.*",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    INDEX,
]


@dataclass(frozen=True)
class ModelSource:
    """The source of a model.

    Attributes
    ----------
    kind
        `hub`, `path`, `package`, `train` (a folder that the workflow trained) or `gguf` (one that it converted).
    id, revision
        Identifier and branch, tag or commit on the Hugging Face hub; for `train`, a checkpoint `step-N`.
    path
        The folder (`path`).
    package, folder
        An installed package and the folder inside it (`package`); the folder that the workflow made (`train`, `gguf`).
    prefix_token
        Token put in front of every text, for tokenizers that neither add one nor have bos or eos.
    single_tokens
        Whether numbers of several tokens are left out (`numbers: {tokens: single}`).
    trust_remote_code
        Whether Python code that comes with the model may run.
    embeddings_only
        Whether only the embedding matrices are read; of a hub model, only the files that hold them are downloaded.
    """

    kind: str
    id: str | None = None
    revision: str | None = None
    path: str | None = None
    package: str | None = None
    folder: str | None = None
    prefix_token: str | None = None
    single_tokens: bool = False
    trust_remote_code: bool = False
    embeddings_only: bool = False


@dataclass(frozen=True)
class ResolvedModel:
    """A model's local folder and its revision.

    The revision is a commit, `step-N`, a package's version, or `local`; of a converted GGUF file, the version of its
    package or its sha256, and the type of its weights.
    """

    folder: Path
    revision: str


def parse_source(description: str | Mapping[str, Any]) -> ModelSource:
    """Parse a source from JSON or a mapping, such as `{"kind": "hub", "id": "org/model", "revision": "main"}`.

    Raises
    ------
    NumprobeError
        If it is not JSON, or a key is unknown or missing.
    """
    entries = _json_object(description) if isinstance(description, str) else dict(description)
    kind = entries.get("kind")
    if kind not in _NEEDED:
        raise NumprobeError(f"the source of a model is one of {', '.join(_NEEDED)}, not {kind!r}")
    unknown = sorted(set(entries) - {field.name for field in fields(ModelSource)})
    if unknown:
        raise NumprobeError(f"the source of a model has unknown keys: {', '.join(unknown)}")
    missing = [key for key in _NEEDED[kind] if not entries.get(key)]
    if missing:
        raise NumprobeError(f"a model with source '{kind}' needs the key(s) {', '.join(missing)}")
    return ModelSource(**entries)


def _json_object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise NumprobeError(f"the source of the model is not valid JSON ({error}): {text}") from error
    if not isinstance(content, dict):
        raise NumprobeError(f"the source of the model is not a JSON object: {text}")
    return content


def resolve_source(source: ModelSource, weights: bool = True) -> ResolvedModel:
    """Return the folder and the revision of a model; a hub model is downloaded if it is not in the cache.

    Parameters
    ----------
    source
        Where the model comes from.
    weights
        If false, configuration and tokenizer suffice.

    Raises
    ------
    NumprobeError
        If the model cannot be found or downloaded, or its folder cannot be read (`numprobe.models.described`).
    """
    found = _FINDERS[source.kind](source, weights)
    compare_checksums(found.folder, weights)
    check_model_folder(found.folder, weights, source.embeddings_only)
    return found


def hub_files(id: str, revision: str | None) -> tuple[str, list[str]]:
    """Return the commit that `revision` names on the hub, and the files of the model there.

    Raises
    ------
    NumprobeError
        As `resolve_source`.
    """
    import huggingface_hub

    info = asking_hub(id, revision, lambda: huggingface_hub.HfApi().model_info(id, revision=revision))
    return str(info.sha), [file.rfilename for file in info.siblings or []]


def check_hub_weights(id: str, files: Collection[str], folder: Path | None = None) -> None:
    """Check that the files of a model on the hub are those that `transformers` loads.

    Parameters
    ----------
    id
        The model.
    files
        Names of the files there.
    folder
        Folder with the index of a sharded model; None: do not check the files that it names.

    Raises
    ------
    NumprobeError
        If there are no such files, or one that the index names is missing.
    """
    if SINGLE not in files and INDEX not in files:
        raise NumprobeError(
            f"{id} has no safetensors weights that transformers loads ({SINGLE}, or {INDEX} and its files); other "
            "formats can run code when they are opened and are not read"
        )
    missing = sorted(set(shards(folder)) - set(files)) if folder is not None and SINGLE not in files else []
    if missing:
        raise NumprobeError(f"{id} has no {missing[0]}, which its {INDEX} names ({len(missing)} missing in all)")


def floating_revision(id: str, revision: str | None) -> str | None:
    """Return a warning if a hub revision is not a commit, else None.

    The warning names the revision's commit in the local cache; the hub is not queried.

    Raises
    ------
    NumprobeError
        If `id` is not a valid hub id.
    """
    if COMMIT.fullmatch(revision or ""):
        return None
    from huggingface_hub import try_to_load_from_cache

    config = asking_hub(id, revision, lambda: try_to_load_from_cache(id, "config.json", revision=revision))
    if not isinstance(config, str):
        return (
            f"revision '{revision or _BRANCH}' of {id} may name another commit tomorrow, and the weights are not yet "
            f"in the local cache: `numprobe add-model {id}` shows the commit to write as its revision"
        )
    return _floating(id, revision, Path(config).parent.name)


def _floating(id: str, revision: str | None, commit: str) -> str:
    return (
        f"revision '{revision or _BRANCH}' of {id} may name another commit tomorrow: write its current commit, {commit}"
    )


def _resolve_hub(source: ModelSource, weights: bool) -> ResolvedModel:
    patterns = [*_TOKENIZER_AND_CONFIG, *(["*.py"] if source.trust_remote_code else [])]
    folder = _fetch(source, source.revision, [*patterns, SINGLE] if weights else patterns)
    if weights and not (folder / SINGLE).is_file():
        check_hub_weights(str(source.id), [INDEX] if (folder / INDEX).is_file() else [])
        # The index names the model's files; they are taken from the commit of the index.
        wanted = embedding_shards(folder) if source.embeddings_only else []
        folder = _fetch(source, folder.name, wanted or shards(folder))
    # The cache names the folder of a snapshot by its commit.
    if source.revision != folder.name:
        from numprobe.models.told import warn_once

        warn_once(_floating(str(source.id), source.revision, folder.name))
    return ResolvedModel(folder, folder.name)


def _fetch(source: ModelSource, revision: str | None, patterns: list[str]) -> Path:
    """Return the cache folder with the files of a revision, after downloading those that are missing."""
    import huggingface_hub

    # "*" also matches subfolders, which hold the same model in other formats.
    ignored = ["*/*"] if any("*" in pattern for pattern in patterns) else []
    folder = asking_hub(
        str(source.id),
        source.revision,
        lambda: huggingface_hub.snapshot_download(
            str(source.id), revision=revision, allow_patterns=patterns, ignore_patterns=ignored
        ),
    )
    return Path(folder)


def asking_hub(
    id: str, revision: str | None, ask: Callable[[], T], instead: str = "give a local folder (source: path)"
) -> T:
    """Return what a question to the hub returns.

    Parameters
    ----------
    id, revision
        The repository, for messages.
    ask
        Asks the hub through `huggingface_hub`.
    instead
        What to do without a network, for messages.

    Raises
    ------
    NumprobeError
        If the repository is missing, private, gated or has no such revision, or the hub cannot be reached.
    """
    from huggingface_hub import errors

    try:
        return ask()
    except errors.GatedRepoError as error:
        raise NumprobeError(f"{id} is gated {_how_to_enter(id)}") from error
    except errors.RepositoryNotFoundError as error:
        raise NumprobeError(
            f"{id} is not on the Hugging Face hub, or is private: check the id, or log in with `hf auth login`"
            f"{_meant_as_path(id)}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise NumprobeError(f"{id} has no revision '{revision}' on the Hugging Face hub") from error
    except errors.HFValidationError as error:
        raise NumprobeError(f"'{id}' is not an id of the Hugging Face hub, such as org/model ({error})") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, errors.HTTPError) as error:
        raise NumprobeError(f"{id} {_why_not_fetched(error, instead)}{_meant_as_path(id)}") from error


def _meant_as_path(id: str) -> str:
    """Return a remark on an id that may be a mistyped path: its first part is a folder here."""
    folder, _, rest = id.partition("/")
    return f" (if a path was meant: {folder} is a folder here, and holds no {rest})" if Path(folder).is_dir() else ""


def _how_to_enter(id: str) -> str:
    """Return the remedy for a gated model, which depends on whether there is a token."""
    import huggingface_hub

    accept = f"accept its terms at https://huggingface.co/{id}"
    if huggingface_hub.get_token() is None:
        return f"and no token was found: {accept}, then log in with `hf auth login` or set HF_TOKEN"
    return f"and your token gives no access: {accept} with the account of the token (`hf auth whoami`)"


def _why_not_fetched(error: Exception, instead: str) -> str:
    import huggingface_hub

    if getattr(getattr(error, "response", None), "status_code", None) == 401:
        return "cannot be fetched, the Hugging Face hub rejects your token: renew it with `hf auth login` (or HF_TOKEN)"
    if huggingface_hub.constants.is_offline_mode():
        return (
            "is not, or not completely, in the local cache, and HF_HUB_OFFLINE forbids fetching it: unset "
            f"HF_HUB_OFFLINE once, or {instead}"
        )
    return (
        "is not, or not completely, in the local cache and the Hugging Face hub cannot be reached "
        f"({_first_line(error)}): go online once, or {instead}"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _resolve_path(source: ModelSource, weights: bool) -> ResolvedModel:
    return ResolvedModel(_existing(Path(str(source.path)).expanduser()), "local")


def _resolve_package(source: ModelSource, weights: bool) -> ResolvedModel:
    folder = find_package_folder(str(source.package), str(source.folder))
    try:
        return ResolvedModel(folder, version(str(source.package)))
    except PackageNotFoundError:
        return ResolvedModel(folder, "local")


def _resolve_train(source: ModelSource, weights: bool) -> ResolvedModel:
    folder = Path(str(source.folder))
    if source.revision and source.revision != "main":
        folder = folder / "revisions" / source.revision
    return ResolvedModel(_existing(folder), folder.name if folder.parent.name == "revisions" else "main")


def _resolve_gguf(source: ModelSource, weights: bool) -> ResolvedModel:
    folder = _existing(Path(str(source.folder)))
    record = read_record(folder)
    if record is None:
        raise NumprobeError(f"{folder} has no {RECORD}, so its conversion did not finish: convert the model again")
    return ResolvedModel(folder, f"{record.get('version', record['sha256'])} {record['type']}")


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise NumprobeError(f"the model folder {folder} does not exist")
    return folder


_FINDERS: dict[str, Callable[[ModelSource, bool], ResolvedModel]] = {
    "hub": _resolve_hub,
    "path": _resolve_path,
    "package": _resolve_package,
    "train": _resolve_train,
    "gguf": _resolve_gguf,
}
