"""The models of a study, resolved from their entries.

Nothing heavy is imported and no model is opened: the number of layers comes from the model's `config.json`, its
training specification, or the entry's key `n_layers`.
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Config
from numprobe.experiments.inputs import VOCABULARY
from numprobe.models.described import check_model_folder
from numprobe.models.facts import (
    ModelFacts,
    has_chat_template,
    model_width,
    state_layers,
)
from numprobe.models.gguf.architecture import gguf_facts, gguf_width, main_type, read_known_model
from numprobe.models.gguf.header import FLOATS, known_header
from numprobe.models.json_files import read_model_json
from numprobe.models.packages import find_package_file, find_package_folder
from numprobe.models.single_tokens import count_single_tokens, count_vocabulary_entries
from numprobe.models.weights import folder_facts, weight_files

#: Files that the workflow writes for a model that it trains, and for one that it converts.
MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "checksums.json")


CONVERTED_FILES = (*MODEL_FILES, "conversion.json")


@dataclass(frozen=True)
class Model:
    """One entry of `models`."""

    name: str
    entry: Config
    facts: ModelFacts
    layers: tuple[str, ...]
    width: int | None
    source: str
    numbers: range
    #: Whether files outside of `results` are named by absolute paths.
    absolute: bool = False

    @cached_property
    def single_tokens(self) -> int | None:
        """Number of the study's numbers that are one token, from the entry or the files; None if unknown."""
        if "single_tokens" in self.entry:
            return int(self.entry["single_tokens"])
        if self.entry["source"] == "train":
            return len(self.numbers)
        if self.entry["source"] == "hub":
            return None
        if _is_gguf(self.entry):
            return count_vocabulary_entries(_gguf_file(self.entry), self.numbers)
        return count_single_tokens(_folder(self.entry), self.numbers)

    @property
    def origin(self) -> str:
        """The model that a checkpoint or a further training belongs to; of others, the model itself."""
        return str(self.entry.get("of", self.entry.get("replicate_of", self.name)))

    @property
    def has_untrained(self) -> bool:
        """True if the model has its own untrained control.

        Checkpoints share that of their model. For models whose embeddings alone are read, it would equal the control
        `gaussian`: independent random vectors.
        """
        return "of" not in self.entry and not self.embeddings_only

    @property
    def embeddings_only(self) -> bool:
        """True if only the embedding matrices are read, so that the model itself is never loaded."""
        return self.entry.get("contexts") == [VOCABULARY]

    @property
    def device(self) -> str:
        """The device of the forward pass, or `map=` and accelerate's device map, as the programs expect it."""
        spread = self.entry.get("device_map")
        if spread is None:
            return str(self.entry.get("device", "auto"))
        return "map=" + (spread if isinstance(spread, str) else json.dumps(spread, sort_keys=True))

    @property
    def gpus(self) -> int:
        """Number of GPUs of a job that runs the model."""
        explicit = "cuda" in self.device or self.device.startswith("map=")
        return int(self.entry.get("resources", {}).get("gpus", explicit))

    @property
    def gguf(self) -> str | None:
        """The GGUF file that the model is converted from; None for other models."""
        return self._outside(_gguf_file(self.entry)) if _is_gguf(self.entry) else None

    @property
    def quantised(self) -> Config | None:
        """File and type of the weights of a model that is converted from quantised ones, for captions; else None."""
        if self.gguf is None:
            return None
        file = _gguf_file(self.entry)
        kind = main_type(read_known_model(file))
        return None if kind in FLOATS else {"file": file.name, "type": kind}

    @property
    def chats(self) -> bool | None:
        """True if the model has a chat template; None if unknown until its files are downloaded."""
        if self.entry["source"] in ("hub", "train"):
            return None if self.entry["source"] == "hub" else False
        if self.gguf is not None:
            return "tokenizer.chat_template" in known_header(_gguf_file(self.entry)).metadata
        return has_chat_template(_folder(self.entry))

    @property
    def conversion_mb(self) -> int:
        """Main memory of the conversion in MB: the weights twice in float32, and the libraries."""
        tensors = read_known_model(_gguf_file(self.entry)).tensors.values()
        return 1500 + sum(tensor.weights for tensor in tensors) * 8 // 10**6

    @property
    def files(self) -> list[str]:
        """The model's files, so that a replaced model is read again; empty for hub models, which have a revision."""
        if self.entry["source"] == "hub":
            return []
        if self.entry["source"] == "train":
            return [f"{_trained_folder(self.entry)}/{name}" for name in MODEL_FILES]
        if self.gguf is not None:
            return [f"results/models/{self.name}/{name}" for name in CONVERTED_FILES]
        folder = self._outside(_folder(self.entry))
        patterns = ("config.json", "tokenizer*.json", "chat_template.*")
        small = [file for pattern in patterns for file in Path(folder).glob(pattern)]
        weights = weight_files(folder, self.embeddings_only)
        return sorted(f"{folder}/{file.relative_to(folder)}" for file in [*small, *weights])

    def _outside(self, path: Path) -> str:
        """Return the name of a path outside of `results`."""
        # Relative if possible, so that a study that is moved with its environment is not run again.
        return str(path.absolute()) if self.absolute else os.path.relpath(path)


def resolve_model(entry: Config, config: Config) -> Model:
    """Return the model of an entry.

    Raises
    ------
    NumprobeError
        If its files cannot be found or read, or it has none of the states that the entry names.
    """
    facts = _facts(entry, config)
    source = json.dumps(_source(entry, config), sort_keys=True)
    numbers = range(config["numbers"]["min"], config["numbers"]["max"] + 1)
    return Model(entry["name"], entry, facts, _chosen_layers(entry, facts), _width(entry, config), source, numbers)


def _width(entry: Config, config: Config) -> int | None:
    """Return the components of a state; None for a hub model whose entry does not say."""
    if entry["source"] == "hub":
        return entry.get("width")
    if entry["source"] == "train":
        spec = entry["train"] if "train" in entry else find_entry(config, entry["of"])["train"]
        return int(spec["hidden_size"])
    if _is_gguf(entry):
        return gguf_width(read_known_model(_gguf_file(entry)))
    return model_width(_config_json(entry))


def _chosen_layers(entry: Config, facts: ModelFacts) -> tuple[str, ...]:
    existing = state_layers(facts)
    wanted = [str(state) for state in entry.get("states", existing)]
    missing = [state for state in wanted if state not in existing]
    if missing:
        raise NumprobeError(f"states: the model has no {', '.join(missing)}; it has {', '.join(existing)}")
    if not any(state.isdigit() for state in wanted):
        raise NumprobeError(f"states: name at least one block, 0 to {facts.layers} (is {', '.join(wanted)})")
    return tuple(layer for layer in existing if layer in wanted)


def _facts(entry: Config, config: Config) -> ModelFacts:
    if entry["source"] == "hub":
        return ModelFacts(
            layers=entry["n_layers"],
            encoder=entry["encoder"],
            final_norm=entry["final_norm"],
            tied=entry["tied"],
            unembedding=not entry["encoder"],
        )
    if entry["source"] == "train":
        spec = entry["train"] if "train" in entry else find_entry(config, entry["of"])["train"]
        return ModelFacts(
            layers=spec["n_layers"],
            encoder=False,
            final_norm=True,
            tied=spec["architecture"] != "olmo2",
            unembedding=True,
        )
    if _is_gguf(entry):
        return gguf_facts(read_known_model(_gguf_file(entry)))
    _config_json(entry)
    folder = _folder(entry)
    check_model_folder(folder, embeddings_only=entry.get("contexts") == [VOCABULARY])
    return folder_facts(folder)


def find_entry(config: Config, name: str) -> Config:
    """Return the entry of a model."""
    return next(entry for entry in config["models"] if entry["name"] == name)


def _is_gguf(entry: Config) -> bool:
    return entry["source"] == "gguf" or "file" in entry


def _gguf_file(entry: Config) -> Path:
    return Path(entry["path"]) if entry["source"] == "gguf" else find_package_file(entry["package"], entry["file"])


def _folder(entry: Config) -> Path:
    if entry["source"] == "package":
        return find_package_folder(entry["package"], entry["folder"])
    return Path(entry["path"])


def _config_json(entry: Config) -> Config:
    file = _folder(entry) / "config.json"
    if file.parent.suffix == ".gguf":
        raise NumprobeError(f"{file.parent} is a GGUF file: write source: gguf")
    if not file.is_file():
        raise NumprobeError(f"{file} does not exist: name a folder that save_pretrained wrote")
    return read_model_json(file)


def _trained_folder(entry: Config) -> str:
    """Return the folder of a model that the workflow trains, or of a checkpoint."""
    base = f"results/models/{entry.get('of', entry['name'])}"
    return f"{base}/revisions/{entry['revision']}" if "of" in entry else base


_SOURCE_KEYS = ("id", "revision", "package", "folder", "path", "prefix_token", "trust_remote_code")


def _source(entry: Config, config: Config) -> dict[str, Any]:
    """Return the source from which programs find the model and read its numbers."""
    source = {"kind": entry["source"], **{key: entry[key] for key in _SOURCE_KEYS if key in entry}}
    if entry["source"] == "train":
        source["folder"] = _trained_folder(entry)
        source.pop("revision", None)
    if _is_gguf(entry):
        source = {"kind": "gguf", "folder": f"results/models/{entry['name']}"}
        source |= {"prefix_token": entry["prefix_token"]} if "prefix_token" in entry else {}
    if config["numbers"]["tokens"] == "single":
        source["single_tokens"] = True
    return source | ({"embeddings_only": True} if entry.get("contexts") == [VOCABULARY] else {})
