"""Small models with probes that are fitted on their own states."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from tests.probes.planted import fit, split_of

from models.tiny import LAYERS, digit_tokenizer, save, tiny_model, word_tokenizer
from numprobe.lens.make import Read, levels_of
from numprobe.lens.sources import mixed_states, network_states
from numprobe.models.architecture import locate_parts
from numprobe.models.identity import tokenizer_sha256
from numprobe.models.tokens import NumberTokenizer
from numprobe.models.weights import weights_sha256
from numprobe.probes.dataset import describe_split, whole_fold
from numprobe.prompts.generate import natural_prompts
from numprobe.prompts.natural import load_passages
from numprobe.prompts.table import prompt_texts
from numprobe.runs import MIXED_LAYER

MAXIMUM = 199
SPLIT = split_of(MAXIMUM, folds=5)
NAMES = (*map(str, range(LAYERS + 1)), "final_norm")


@cache
def words(seed=0):
    """A model that writes 0..199 in single tokens, and its tokenizer."""
    return tiny_model("llama", head=True, seed=seed, max_position_embeddings=512), word_tokenizer()


@cache
def digits():
    """A model that writes digit by digit."""
    tokenizer = digit_tokenizer()
    return tiny_model("llama", head=True, vocab_size=len(tokenizer), max_position_embeddings=1024), tokenizer


def fitted(model, tokenizer, kind="fourier", layers=NAMES, states=None, name="small"):
    """A probe of all layers, fitted on the built-in training texts."""
    prompts = natural_prompts(0, MAXIMUM, 1, "fitting", load_passages(), 240)
    prompts = prompts.filter(pl.col("text_split") == "train")
    numbers, states = NumberTokenizer(tokenizer), states or network_states(model, layers)
    rows, values = {layer: [] for layer in layers}, []
    for prompt, text in prompt_texts(prompts).iter_rows():
        places = prompts.filter(pl.col("prompt") == prompt).select("start", "end", "number").rows()
        encoded = numbers.encode([text])[0]
        found = [numbers.find(text, encoded, *place) for place in places]
        kept = [(span.last, place[2]) for span, place in zip(found, places, strict=True) if not isinstance(span, str)]
        values += [value for _, value in kept]
        for layer, array in states(encoded.ids).items():
            rows[layer].append(array[[token for token, _ in kept]])
    each = {layer: fit(kind, np.concatenate(rows[layer]), np.array(values), SPLIT) for layer in layers}
    folds = (whole_fold(SPLIT), *SPLIT.folds)
    first = next(iter(each.values()))
    metadata = {**first.metadata, "model": name, "context": "natural", "split": describe_split(SPLIT, folds)}
    tensors = {(layer, fold): each[layer].tensors["0", fold] for layer in layers for fold in first.folds}
    return replace(first, layers=tuple(layers), tensors=tensors, metadata={**metadata, "source": {"kind": "path"}})


@cache
def words_read(kind="fourier"):
    """The first model, its probe and the levels."""
    model, tokenizer = words()
    probe = fitted(model, tokenizer, kind)
    return Read(model, probe, levels_of(model, tokenizer, probe))


@cache
def digits_read():
    model, tokenizer = digits()
    probe = fitted(model, tokenizer)
    return Read(model, probe, levels_of(model, tokenizer, probe))


def mixed_probe(model, tokenizer, seed=0):
    """A probe of the mixed embeddings."""
    states = mixed_states(locate_parts(model), seed)
    return fitted(model, tokenizer, layers=(MIXED_LAYER,), states=states, name="small.mixed")


def study(folder: Path, controls=False) -> tuple[Path, Path]:
    """A folder of results with the first model and its probe, and those of its controls; model and probe."""
    model, tokenizer = words()
    place = save(folder / "models" / "small", model, tokenizer)
    source = {"kind": "path", "path": str(place)}
    told = {"source": source, "weights_sha256": weights_sha256(place), "tokenizer_sha256": tokenizer_sha256(tokenizer)}
    made = {"small": words_read().probe}
    if controls:
        # Of another seed than the command draws: its probe reads the drawn network as well as chance.
        made["small.untrained"] = fitted(*words(1), name="small.untrained")
        made["small.mixed"] = mixed_probe(model, tokenizer)
    for name, probe in made.items():
        replace(probe, metadata={**probe.metadata, **told}).save(folder / f"probes/{name}/natural/fourier.safetensors")
    return place, folder / "probes/small/natural/fourier.safetensors"
