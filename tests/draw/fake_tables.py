"""Tables in the shape of a real study's, from formulas: three kinds of models, four contexts."""

import numpy as np
import polars as pl

from numprobe.seeding import generator
from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements

CAUSAL = {"llama": 4, "olmo2": 4}
ENCODER = {"minilm": 6}
CONTEXTS = ("number", "operand", "result", "natural")
#: Accuracy in the middle of a causal model and of the encoder.
LEVELS = {
    "fourier": (0.99, 0.33),
    "digits": (0.84, 0.16),
    "binary": (0.05, 0.03),
    "linear": (0.04, 0.01),
    "log": (0.03, 0.015),
}
ITERATIVE = {"sinusoidal": (0.95, 0.22), "wave": (0.97, 0.25)}
CONTROLS = {"shuffled": 0.002, "gaussian": 0.0, "untrained": 0.004, "untrained-2": 0.006, "mixed": 0.98}


def states(blocks: int, norm: bool = True) -> list[str]:
    """The layers of a model."""
    return [*map(str, range(blocks + 1)), *(["final_norm"] if norm else [])]


def _row(model, context, layer, probe, value, n=1000, **columns):
    half = 1.96 * np.sqrt(max(value * (1 - value), 0.0005) / n)
    return {
        "model": model, "context": context, "layer": layer, "probe": probe, "metric": "accuracy", "value": value,
        "ci_low": max(value - half, 0.0), "ci_high": min(value + half, 1.0), "resampled": "values", "n_values": n,
        "n_prompts": 8 * n, "seed": 0, **columns,
    }  # fmt: skip


def _shape(context: str, depth: float) -> float:
    return {"number": 1.0, "vocabulary": 0.98, "operand": 1 - 0.3 * depth**4, "natural": 0.9 - 0.2 * depth}.get(
        context, 1 / (1 + np.exp(-14 * (depth - 0.45)))
    )


def _context_rows(model: str, context: str, layers: list[str], encoder: bool, probes: dict):
    n = 445 if encoder else 1000
    for i, layer in enumerate(layers):
        shape = _shape(context, i / max(len(layers) - 1, 1))
        if context == "result" and layer == "0":
            yield {
                "model": model,
                "context": context,
                "layer": "0",
                "probe": "fourier",
                "metric": "accuracy",
                **constant_state(),
            }
            continue
        for probe, levels in probes.items():
            one_fold = probe in ITERATIVE
            yield _row(model, context, layer, probe, levels[encoder] * shape, n // 10 if one_fold else n)
        for control, level in CONTROLS.items():
            if control != "gaussian":
                yield _row(model, context, layer, "fourier", level, n, control=control)
        yield _row(model, context, layer, "constant", 1 / n, n, control="constant")
        if encoder:
            yield _row(model, context, layer, "fourier", 0.45 * shape, 342, subset="values=0..341")
            yield _row(model, context, layer, "fourier", 0.04 * shape, 103, subset="values=342..999")
    yield _row(model, context, None, "fourier", CONTROLS["gaussian"], n, control="gaussian")


def accuracy_table() -> pl.DataFrame:
    """The accuracy table of a default study; `result` does not apply to the encoder."""
    rows = []
    for model, blocks in {**CAUSAL, **ENCODER}.items():
        encoder = model in ENCODER
        rows += _context_rows(model, "vocabulary", ["embedding", "unembedding"][: 1 + (not encoder)], encoder, LEVELS)
        for context in CONTEXTS:
            if encoder and context == "result":
                rows.append({"model": model, "context": context, **not_applicable("encoder")})
                continue
            probes = LEVELS | (ITERATIVE if context == "number" and model != "olmo2" else {})
            rows += _context_rows(model, context, states(blocks, not encoder), encoder, probes)
    return measurements(rows)


def digit_accuracy_table(models=("smol", "llama"), blocks: int = 6) -> pl.DataFrame:
    """Accuracies, and digits by place, and the floor of the last token except for `llama`, whose numbers are single."""
    rows = []
    for model in models:
        several = model != "llama"
        for context in ("number", "natural", "result"):
            for layer in states(blocks):
                rows += _digit_rows(model, context, layer, several and context != "result")
            rows.append(_row(model, context, "1", "fourier", 0.5))
    rows.append({"model": "minilm", "context": "result", **not_applicable("encoder")})
    rows += [_row("minilm", "number", "0", "fourier", 0.5), *_digit_rows("minilm", "number", "0", True)]
    return measurements(rows)


def _digit_rows(model: str, context: str, layer: str, floor: bool):
    depth = states(40).index(layer) / 6
    for place, (n, start) in {"units": (1000, 1), "tens": (990, 0.1), "hundreds": (900, 0.11)}.items():
        common = {"n": n, "metric": "digit_accuracy", "subset": f"place={place}"}
        for control, value in {
            "none": start + (1 - start) * min(depth * 2, 1),
            "untrained": start + 0.3 * (1 - start) * min(depth, 1),
            "untrained-2": start + 0.25 * (1 - start) * min(depth, 1),
            "mixed": 0.99,
            "shuffled": 0.1,
        }.items():
            yield _row(model, context, layer, "fourier", value, control=control, **common)
        yield _row(model, context, layer, "constant", 0.12, control="constant", **common)
        if floor:
            yield _row(model, context, layer, "last_token", start, control="last_token", **common)


def large_accuracy_table(models: int = 12, blocks: int = 80, contexts: int = 6) -> pl.DataFrame:
    """A study at the limits of what the figures should carry."""
    names = ["number", "operand", "result", "natural", "dates", "prices"][:contexts]
    rows = [
        row
        for m in range(models)
        for context in names
        for row in _context_rows(f"model-{m}-{blocks}b", context, states(blocks - 4 * m), False, LEVELS)
    ]
    return measurements(rows)


def transfer_table(blocks: int = 4, controls: tuple[str, ...] = ("none",)) -> pl.DataFrame:
    """Fit in one context, test in another; controls read a fifth of it, "mixed" everything."""
    rows = []
    for model in [*CAUSAL, *ENCODER]:
        encoder = model in ENCODER
        contexts = [name for name in CONTEXTS if not (encoder and name == "result")]
        for layer in states(blocks, not encoder):
            for i, fit in enumerate(contexts):
                for j, test in enumerate(contexts):
                    value = 0.99 if i == j else max(0.0, 0.9 - 0.12 * abs(i - j) * (1 + states(blocks).index(layer)))
                    read = {"none": value, "mixed": 0.98}
                    rows += [
                        _row(model, test, layer, "fourier", read.get(c, value / 5), fit_context=fit, control=c)
                        for c in controls
                    ]
        if encoder:
            rows.append({"model": model, "context": "result", **not_applicable("encoder")})
    return measurements(rows, extra={"fit_context": pl.String})


def spectra_table() -> pl.DataFrame:
    """Power shares with their null bands, and kappa for n mod 2, 5 and 10."""
    rows = []
    for model, n in {"llama": 1000, "olmo2": 1000, "minilm": 342}.items():
        for layer in ("embedding", "unembedding") if model == "olmo2" else ("embedding",):
            rows += [*_power(model, layer, n), *_kappa(model, layer, n)]
    reason = not_applicable("fewer than 50 consecutive single-token numbers")
    rows.append({"model": "chunky", "context": "vocabulary", "metric": "power_share", **reason})
    extra = {"frequency": pl.UInt32, "period": pl.Float64, "N": pl.UInt32}
    return measurements(rows, extra=extra)


def _power(model: str, layer: str, n: int):
    noise = generator(0, "fake", model, layer).exponential(size=n // 2)
    share = 0.3 * noise + 300 / (1 + np.arange(1, n // 2 + 1)) ** 1.5
    for period in (2, 2.5, 5, 10):
        share[round(n / period) - 1] += 60
    share /= share.sum()
    for k in range(1, n // 2 + 1):
        common = {"model": model, "context": "vocabulary", "layer": layer, "metric": "power_share", "seed": 0,
                  "frequency": k, "period": n / k, "N": n, "n_values": n}  # fmt: skip
        yield {**common, "value": share[k - 1], "ci_low": 0.9 * share[k - 1], "ci_high": 1.1 * share[k - 1],
               "resampled": "random rotations and dimensions"}  # fmt: skip
        null = 2 / n
        yield {**common, "control": "shuffled", "value": null, "ci_low": 0.9 * null, "ci_high": 1.1 * null,
               "resampled": "permutations"}  # fmt: skip


def _kappa(model: str, layer: str, n: int):
    for modulus, value in ((2, 0.98), (5, 0.9), (10, 0.85)):
        for control, level in (("none", value), ("shuffled", 0.01)):
            yield {"model": model, "context": "vocabulary", "layer": layer, "metric": "kappa",
                   "value": level, "subset": f"mod={modulus}",
                   "period": modulus, "control": control, "ci_low": level - 0.02, "ci_high": level + 0.02,
                   "resampled": "values", "n_values": n, "N": n, "seed": 0}  # fmt: skip


def examples_table(per_panel: int = 120) -> pl.DataFrame:
    """Decoded numbers in their texts; the text wraps the number."""
    rows = []
    for model in [*CAUSAL, *ENCODER]:
        for context, text in (
            ("number", "{}"),
            ("natural", "Bake the bread for {} minutes, then let it cool on a rack"),
        ):
            random = generator(0, "fake", model, context)
            for layer in ("0", "2", "3") if model in ENCODER else ("0", "2", "4"):
                for value in random.integers(0, 1000, per_panel).tolist():
                    right = random.random() < (0.4 if model in ENCODER else 0.95)
                    decoded = (
                        value if right else int(np.clip(value + random.choice([-100, -10, -1, 1, 10, 100]), 0, 999))
                    )
                    start = text.index("{")
                    end = start + len(str(value))
                    rows.append((model, context, layer, "fourier", text.format(value), start, end, value, decoded,
                                 decoded == value))  # fmt: skip
    names = ["model", "context", "layer", "probe", "text", "start", "end", "number", "decoded", "correct"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        status=pl.lit("measured"), note=pl.lit(None, dtype=pl.String)
    )


def cross_layer_table(models: dict[str, int] | None = None, contexts: tuple[str, ...] = CONTEXTS) -> pl.DataFrame:
    """Every pair of layers, and all layers but one where the number is read at its own token."""
    rows = []
    for model, blocks in (models or {**CAUSAL, **ENCODER}).items():
        encoder = model in ENCODER
        layers = states(blocks, not encoder)
        for context in contexts:
            if encoder and context == "result":
                rows.append({"model": model, "context": context, **not_applicable("encoder")})
                continue
            rows += _pairs(model, context, layers)
            if context != "result":
                rows += _left_out(model, context, layers)
    return measurements(rows, extra={"fit_layer": pl.String, "normalisation": pl.String})


def _pairs(model: str, context: str, layers: list[str]):
    constant = {"0"} if context == "result" else set()
    varying = [layer for layer in layers if layer not in constant]
    for normalisation, near in (("none", 0.5), ("layer", 0.8)):
        for i, fit in enumerate(varying):
            for j, layer in enumerate(varying):
                columns = {"fit_layer": fit, "normalisation": normalisation}
                yield _row(model, context, layer, "fourier", 0.99 * near ** abs(i - j), **columns)
    for fit, layer in ((fit, layer) for fit in varying for layer in varying):
        columns = {"fit_layer": fit, "normalisation": "layer", "control": "untrained"}
        yield _row(model, context, layer, "fourier", 0.1, **columns)
    for layer in constant:
        names = {"model": model, "context": context, "layer": layer, "fit_layer": layer, "probe": "fourier"}
        yield {**names, "metric": "accuracy", **constant_state()}


def _left_out(model: str, context: str, layers: list[str]):
    for i, layer in enumerate(layers):
        inner = 0 < i < len(layers) - 1
        for normalisation, ends in (("none", 0.05), ("layer", 0.85), ("chosen", 0.85)):
            columns = {"fit_layer": "others", "normalisation": normalisation}
            yield _row(model, context, layer, "fourier", 0.97 if inner else ends, **columns)
        shuffled = {"fit_layer": "others", "normalisation": "chosen", "control": "shuffled"}
        yield _row(model, context, layer, "fourier", 0.002, **shuffled)
        yield _row(model, context, layer, "constant", 0.01, fit_layer="others", control="constant")
        for metric, value in (("scale_ratio", 0.1 + i), ("mean_offset", 0.4), ("code_cosine", 0.8)):
            yield {**_row(model, context, layer, None, value), "metric": metric, "fit_layer": "others"}


def universal_table(models: dict[str, int] | None = None) -> pl.DataFrame:
    """One probe for all layers and contexts, beside those of single layers."""
    rows = []
    everywhere = "all layers and contexts"
    for model, blocks in (models or {**CAUSAL, **ENCODER}).items():
        for context in ("number", "operand", "natural"):
            for layer in states(blocks, model not in ENCODER):
                levels = [("one layer", None, 0.98), ("all layers", "none", 0.7), ("all layers", "layer", 0.95)]
                levels += [(everywhere, n, 0.9) for n in ("none", "layer", "layer_context", "chosen")]
                for fitted_on, normalisation, value in levels:
                    columns = {"fitted_on": fitted_on, "normalisation": normalisation}
                    rows.append(_row(model, context, layer, "fourier", value, **columns))
                    if fitted_on != "one layer":
                        less = {"value": value - 0.98, "ci_low": value - 0.99, "ci_high": value - 0.97}
                        rows.append({**rows[-1], **less, "metric": "accuracy_difference"})
                chosen = {"fitted_on": everywhere, "normalisation": "chosen", "control": "shuffled"}
                rows.append(_row(model, context, layer, "fourier", 0.002, **chosen))
                rows.append(_row(model, context, layer, "fourier", 0.93, **chosen | {"control": "mixed"}))
                rows.append(_row(model, context, layer, "constant", 0.01, control="constant"))
        names = {"model": model, "fitted_on": everywhere, "probe": "fourier", "metric": "chosen_share"}
        rows += [{**names, "normalisation": name, "value": share} for name, share in (("layer", 0.3), ("none", 0.7))]
    return measurements(rows, extra={"fitted_on": pl.String, "normalisation": pl.String})
