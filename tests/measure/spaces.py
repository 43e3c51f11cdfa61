"""Activation folders of several models with planted geometries."""

import numpy as np
import polars as pl

from numprobe.activations.store import write_activations

NUMBERS = np.arange(60)


def planted(seed=0, numbers=NUMBERS, width=8, noise=0.15):
    """The same circles of periods 10 and 60, in a random basis, with noise."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.outer(numbers, [1 / 10, 1 / 60])
    circles = np.hstack([np.sin(angles), np.cos(angles)])
    basis = np.linalg.qr(rng.standard_normal((width, 4)))[0].T
    return circles @ basis + noise * rng.standard_normal((len(numbers), width))


def write_space(root, model, context, layers, numbers=NUMBERS, tokens=1):
    """A folder with the given states, layer to [numbers, width]; the last of `tokens` tokens is the last digit."""
    states = {layer: np.asarray(part, dtype=np.float32) for layer, part in layers.items()}
    last = numbers if tokens == 1 else np.asarray(numbers) % 10
    positions = pl.DataFrame(
        {
            "row": np.arange(len(numbers), dtype=np.uint32),
            "number": np.asarray(numbers, dtype=np.int32),
            "token_id": np.asarray(last, dtype=np.uint32),
            "number_tokens": np.full(len(numbers), tokens, dtype=np.uint32),
        }
    )
    folder = root / model / context
    write_activations(
        folder, [states], layers=list(states), width=next(iter(states.values())).shape[1], dtype="float32",
        positions=positions, details={"model": model, "context": context},
    )  # fmt: skip
    return folder


def write_words(root, model, states):
    """A folder of matched tokens whose token ids are 0, 1, ..."""
    states = np.asarray(states, dtype=np.float32)
    row = np.arange(len(states), dtype=np.uint32)
    positions = pl.DataFrame({"row": row, "token_id": row, "text": [f"w{i}" for i in row]})
    folder = root / model
    write_activations(
        folder, [{"embedding": states}], layers=["embedding"], width=states.shape[1], dtype="float32",
        positions=positions, details={"model": model, "context": "matched"},
    )  # fmt: skip
    return folder


def word_table(models, count):
    """Every pair of models is compared on the same words, in the same order."""
    rows = [(a, b, place, f"w{place}", place) for a in models for b in models for place in range(count)]
    types = {"model": pl.String, "other_model": pl.String, "place": pl.UInt32, "text": pl.String, "token_id": pl.UInt32}
    return pl.DataFrame(rows, schema=types, orient="row")


def card(name, layers, tied=True):
    """What the comparisons read of a model's card."""
    return {"name": name, "layers": layers, "tied": tied, "single_token_numbers": {"contiguous_from_minimum": [0, 59]}}
