"""The paper's study made small: the same keys, layer counts and architectures, random models of tiny widths."""

import copy
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WIDTH, HEADS, MLP = 16, 2, 16
# The architecture that the id of a model of the hub stands for.
ARCHITECTURES = {
    "meta-llama/": "llama",
    "allenai/OLMo-2": "olmo2",
    "microsoft/phi-4": "phi3",
    "microsoft/Phi-4": "phi3",
}
# Keys of a hub model that a local folder has not, or finds in its own files.
_HUB = ("id", "revision", "n_layers", "width", "encoder", "tied", "final_norm", "device", "dtype", "batch_tokens")
_SIZES = {"per_value": 3, "texts": 120}
# Of a deep model, what reads the model itself; the rest is about states, whatever model they come from.
_DEEP = 20
_READS_MODELS = ["accuracy", "transfer", "spectra", "examples", "rsa", "sites", "ordinals", "embedding_probes"]
#: What the experiments that ask a model may say of their own size.
SMALL_MANIPULATION: dict[str, dict[str, Any]] = {
    "answers": {},
    "error_tracing": {"permutations": 2},
    "layer_removal": {"prompts": 40},
    "patching": {"layers": [1], "strengths": [0.5, 1.0], "prompts": 40, "steps": 5},
    "denoising": {"layers": [1], "strengths": [1.0], "prompts": 40},
    "steering": {"layers": [1], "strengths": [1.0], "prompts": 40},
    "ablation": {"layers": [1], "ranks": [1], "draws": 1, "folds": 1, "prompts": 40},
    "causal_subspace": {
        "layers": [1],
        "rank": 1,
        "seeds": 1,
        "pairs": 40,
        "test_pairs": 40,
        "steps": 2,
        "random": 1,
    },
    "embedding_alignment": {"strengths": [0.5, 1.0], "prompts": 40},
    "operand_precision": {"per_value": 2, "permutations": 99},
}
# The same for the experiments that read states.
_SMALL_EXPERIMENTS = {
    "rsa": {"permutations": 99},
    "embedding_probes": {"folds": 5, "iterative_folds": 1, "steps": 5, "models": ["llama-3.2-1b"]},
    "layer_probes": {"steps": 5, "models": ["llama-3.2-1b"], "contexts": ["operand"]},
    "cross_layer": {"per_value": 1},
    "shared_code": {"draws": 1},
    "consistency": {"draws": 1},
    "sites": {"contexts": ["number"]},
    "multi_token": {
        "models": ["llama-3.2-1b"],
        "tokens": 2,
        "rows": 200,
        "offsets": 2,
        "sequences": 100,
        "layers": [0, 8],
        "lens_steps": 30,
    },
    "ordinals": {"permutations": 99},
    "sample_efficiency": {
        "models": ["llama-3.2-1b"],
        "contexts": ["operand"],
        "values": [8, 64],
        "prompts": [1],
        "held_out": 20,
        "orders": 2,
    },
    **SMALL_MANIPULATION,
}


def paper_study() -> dict[str, Any]:
    """The configuration as it is shipped."""
    return yaml.safe_load((ROOT / "config/paper.yaml").read_text())


def architecture(entry: dict[str, Any]) -> str:
    """Which architecture a model of the paper has."""
    return next(kind for start, kind in ARCHITECTURES.items() if entry["id"].startswith(start))


def scaled_study(folder: Path, models: Collection[str], contexts: Collection[str] | None = None) -> dict[str, Any]:
    """The paper's study on some of its models; only the first is read in all contexts, deep ones in fewer experiments.

    The models are saved below `folder`. `contexts`: those that stay.
    """
    config = paper_study()
    kept = [entry for entry in config["contexts"] if contexts is None or entry["name"] in contexts]
    config["contexts"] = [_small(entry) for entry in kept]
    entries = [entry for entry in config["models"] if entry["name"] in models]
    config["models"] = [_local(folder, entry) for entry in entries]
    for entry, whole in zip(config["models"][1:], entries[1:], strict=True):
        entry.setdefault("contexts", ["vocabulary", "number"])
        if whole["n_layers"] > _DEEP:
            entry.setdefault("experiments", _READS_MODELS)
    for probe in config["probes"]:
        if "folds" in probe:
            # The published settings take tens of thousands of steps.
            places = [entry["name"] for entry in kept if entry["kind"] in ("operand", "result")]
            probe |= {"models": [entries[0]["name"]], "contexts": places, "published": False, "steps": 20}
    for experiment in config["experiments"]:
        experiment |= _SMALL_EXPERIMENTS.get(experiment["name"], {})
    config["intervals"] = {"resamples": 100}
    config["fitting"] = {"device": "cpu"}
    return config


def _small(entry: dict[str, Any]) -> dict[str, Any]:
    small = {key: _SIZES.get(key, value) for key, value in entry.items() if key != "datasets"}
    return small | ({"operations": small["operations"][:2]} if "operations" in small else {})


def _local(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with a local folder in place of the hub."""
    path = save_random_model(folder / entry["name"], entry)
    kept = {key: copy.deepcopy(value) for key, value in entry.items() if key not in _HUB}
    return kept | {"source": "path", "path": str(path), "device": "cpu"}


def save_random_model(folder: Path, entry: dict[str, Any]) -> Path:
    """A random model with the architecture, the layer count and the tied or untied matrices of a hub model."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from numprobe.prompts.natural import load_passages
    from numprobe.training.tokenizer import build_tokenizer, words_of

    tokenizer = build_tokenizer(words_of(passage.text for passage in load_passages()), 256)
    config = AutoConfig.for_model(
        architecture(entry),
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=MLP,
        num_hidden_layers=entry["n_layers"],
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=256,
        tie_word_embeddings=entry.get("tied", True),
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(len(folder.name))
        AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
