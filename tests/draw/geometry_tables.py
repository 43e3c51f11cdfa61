"""Tables of the experiments on geometry in the shape of a real study's."""

from itertools import combinations

import polars as pl

from numprobe.experiments.rsa.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements

SMALL = {"llama": 4, "olmo2": 4, "minilm": 6}


def _pair(first, second, context, layers, depth, value, **columns):
    names = {"model": first, "other_model": second, "context": context, "layer": layers[0], "other_layer": layers[1]}
    interval = {"ci_low": value - 0.02, "ci_high": value + 0.02, "resampled": "values (bootstrap)"}
    common = {"metric": "spearman", "dissimilarity": "cosine", "depth": depth, "n_values": 1000, "seed": 0}
    return {**names, **common, "value": value, **interval, **columns}


def _of_pair(first, second, blocks):
    level = 0.9 if {first, second} == {"llama", "olmo2"} else 0.8
    embedded = (first, second, "vocabulary", ("embedding", "embedding"), None)
    yield _pair(*embedded, level, p_value=0.001)
    for control in ("shuffled", "gaussian", "untrained", "matched"):
        yield _pair(*embedded, 0.3 if control == "matched" else 0.0, control=control)
    yield from _remains(*embedded, level - 0.5, p_value=0.001)
    for layer in range(blocks + 1):
        place = (first, second, "number", (str(layer), str(layer)), layer / blocks)
        permuted = {"p_value": 0.001} if layer == blocks // 2 else {}
        yield _pair(*place, level - 0.05 * layer / blocks, **permuted)
        yield _pair(*place, 0.01, control="untrained")
        yield from _remains(*place, level - 0.5 - 0.05 * layer / blocks, **permuted)
    if "minilm" not in (first, second):
        yield _pair(first, second, "number", ("final_norm", "final_norm"), None, level - 0.2)


def _remains(*place, p_value=None):
    """What remains of a pair, its untrained baseline, and its nulls where it is tested."""
    *place, value = place
    yield _pair(*place, value, metric="partial_spearman", p_value=p_value)
    yield _pair(*place, 0.01, metric="partial_spearman", control="untrained")
    yield _pair(*place, value - 0.01, metric="partial_spearman_difference", control="untrained")
    for control in ("shuffled", "relabelled") if p_value else ():
        yield _pair(*place, 0.0, metric="partial_spearman", control=control)


def rsa_table(models: dict[str, int] = SMALL) -> pl.DataFrame:
    """Every pair of models, controls and theories."""
    rows = [row for a, b in combinations(models, 2) for row in _of_pair(a, b, min(models[a], models[b]))]
    for model in models:
        for theory, value in {"edit distance": 0.3, "|a - b|": 0.4, "log distance": 0.5}.items():
            place = (model, None, "vocabulary", ("embedding", None), None)
            rows.append(_pair(*place, value, theory=theory, p_value=0.001))
            rows.append(_pair(*place, 0.0, theory=theory, control="shuffled"))
    if "minilm" in models:
        row = _pair("llama", "minilm", "vocabulary", ("embedding", "embedding"), None, 0.0, control="matched")
        reason = not_applicable("fewer than 20 words are single tokens in both")
        rows.append({**row, "value": None, **reason, "subset": "words"})
    return measurements(rows, EXTRA)


def _wave_rows(model: str, layers: dict[str, str], n: int):
    for layer, context in layers.items():
        common = {"model": model, "context": context, "layer": layer, "N": n, "seed": 0, "n_values": n}
        for k in range(1, n // 2 + 1):
            value = 0.2 if k in (n // 10, n // 5) else 0.6 / (n // 2 - 2)
            yield {**common, "metric": "power_share", "frequency": k, "period": n / k, "value": value,
                   "ci_low": value / 2, "ci_high": value * 2}  # fmt: skip
        for control, level in {"none": 0.06, "shuffled": 0.9, "untrained": 0.8}.items():
            for metric in ("participation", "half_power"):
                interval = {"value": level, "ci_low": 0.9 * level, "ci_high": 1.1 * level}
                yield {**common, "metric": metric, "control": control, **interval}
            for period in (2, 5, 10):
                level = 0.9 if control == "none" else 0.02
                interval = {"value": level, "ci_low": level - 0.02, "ci_high": level + 0.02}
                names = {"subset": f"mod={period}", "period": period, "control": control}
                yield {**common, **names, "metric": "kappa", **interval}
                yield {**common, **names, "metric": "power_at", **interval}


def frequencies_table(models: dict[str, int] = SMALL) -> pl.DataFrame:
    """Spectra, sparsity, power and kappa of every state; one model has too few numbers."""
    rows = []
    for model, blocks in models.items():
        layers = {"embedding": "vocabulary", **{str(k): "number" for k in range(blocks + 1)}, "final_norm": "number"}
        rows += _wave_rows(model, layers, 100)
    reason = not_applicable("fewer than 50 consecutive single-token numbers")
    rows.append({"model": "chunky", "context": "vocabulary", "metric": "power_share", **reason})
    return measurements(rows, {"frequency": pl.UInt32, "period": pl.Float64, "N": pl.UInt32})


def shared_frequencies_table(models: dict[str, int] = SMALL) -> pl.DataFrame:
    """Overlaps of all pairs, for three numbers of frequencies."""
    plain = rsa_table(models).filter(
        pl.col("theory").is_null(), pl.col("control").is_in(["none", "shuffled", "matched"])
    )
    plain = plain.filter(pl.col("value").is_not_null(), metric="spearman").drop("dissimilarity", "theory")
    parts = [
        plain.with_columns(pl.lit("iou").alias("metric"), pl.lit(f"top={top}").alias("subset"),
                           pl.lit(spectrum).alias("spectrum"), pl.lit(1000, pl.UInt32).alias("N"))
        for top in (10, 20, 50) for spectrum in ("power", "published")
    ]  # fmt: skip
    return pl.concat(parts).filter((pl.col("spectrum") == "power") | (pl.col("control") == "none"))


def ordinals_table(models: dict[str, int] = SMALL) -> pl.DataFrame:
    """Two sets that most models keep, one that none does."""
    rows = []
    for model, blocks in models.items():
        few = {"subset": "chinese", "N": 11, "n_values": 2, **not_applicable("2 of 11 are single tokens")}
        rows.append({"model": model, "context": "word", "metric": "accuracy", **few})
        for subset, code, size in (("months", "circle", 12), ("letters", "line", 26)):
            for layer in ("embedding", *map(str, range(blocks + 1))):
                names = {"model": model, "context": "vocabulary" if layer == "embedding" else "word", "layer": layer,
                         "subset": subset, "N": size, "n_values": size, "seed": 0}  # fmt: skip
                for metric, reader in (("accuracy", {"reader": code}), ("read_among_set", {"probe": "fourier"})):
                    for control, level in {"none": 0.7, "shuffled": 0.08, "untrained": 0.1}.items():
                        interval = {"value": level, "ci_low": level - 0.05, "ci_high": level + 0.2}
                        tested = {"p_value": 0.005} if control == "none" else {}
                        rows.append({**names, "metric": metric, **reader, "control": control, **interval, **tested})
    return measurements(rows, {"reader": pl.String, "fit_context": pl.String, "N": pl.UInt32, "p_value": pl.Float64})
