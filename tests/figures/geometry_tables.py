"""Tables of the experiments on geometry in the shape of a real study's."""

from itertools import combinations

import polars as pl

from numprobe.tables import measurements

SMALL = {"llama": 4, "olmo2": 4, "minilm": 6}


def _pair(first, second, context, layers, depth, value, **columns):
    names = {"model": first, "other": second, "context": context, "layer": layers[0], "other_layer": layers[1]}
    interval = {"ci_low": value - 0.02, "ci_high": value + 0.02, "resampled": "values (bootstrap)"}
    common = {"metric": "spearman", "dissimilarity": "cosine", "depth": depth, "n_values": 1000, "seed": 0}
    return {**names, **common, "value": value, **interval, **columns}


def _of_pair(first, second, blocks):
    level = 0.9 if {first, second} == {"llama", "olmo2"} else 0.8
    embedded = (first, second, "vocabulary", ("embedding", "embedding"), None)
    yield _pair(*embedded, level, p_value=0.001)
    for control in ("shuffled", "gaussian", "untrained", "matched"):
        yield _pair(*embedded, 0.3 if control == "matched" else 0.0, control=control)
    for layer in range(blocks + 1):
        place = (first, second, "number", (str(layer), str(layer)), layer / blocks)
        permuted = {"p_value": 0.001} if layer == blocks // 2 else {}
        yield _pair(*place, level - 0.05 * layer / blocks, **permuted)
        yield _pair(*place, 0.01, control="untrained")
    if "minilm" not in (first, second):
        yield _pair(first, second, "number", ("final_norm", "final_norm"), None, level - 0.2)


def rsa_table(models: dict[str, int] = SMALL) -> pl.DataFrame:
    """Every pair of models, controls and theories."""
    rows = [row for a, b in combinations(models, 2) for row in _of_pair(a, b, min(models[a], models[b]))]
    for model in models:
        for theory, value in {"edit distance": 0.3, "|a - b|": 0.4, "log distance": 0.5}.items():
            place = (model, theory, "vocabulary", ("embedding", "theory"), None)
            rows.append(_pair(*place, value, p_value=0.001))
            rows.append(_pair(*place, 0.0, control="shuffled"))
    if "minilm" in models:
        row = _pair("llama", "minilm", "vocabulary", ("embedding", "embedding"), None, 0.0, control="matched")
        note = "not applicable: fewer than 20 words are single tokens in both"
        rows.append({**row, "value": None, "note": note, "subset": "words"})
    extra = {"other": pl.String, "other_layer": pl.String, "dissimilarity": pl.String, "depth": pl.Float64}
    return measurements(rows, {**extra, "p_value": pl.Float64})
