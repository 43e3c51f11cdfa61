"""A fitted probe, which reads numbers from hidden states of all layers of one model in one context or several.

It needs only numpy; torch tensors are accepted, but torch is not imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.probes.codes import CODES, make_code
from numprobe.probes.estimator import PROBABILISTIC, Estimator
from numprobe.probes.measured import measured_table
from numprobe.probes.ownership import check_model, check_tokenizer
from numprobe.probes.tensor_file import read_tensors, write_tensors

#: The fold that is fitted on all values, to be used on new states. The others leave their test values out.
ALL = "all"
#: Layer name of the Gaussian control, which has one vector per number and no layers.
GAUSSIAN_LAYER = "gaussian"
#: Stands for the layer in the names of tensors that all layers share.
_SHARED = "*"
_FORMAT = "numprobe probe 1"
_REQUIRED = ("kind", "minimum", "maximum", "layers", "constant", "folds", "width")
_BATCH = 8192
# Columns of the table from `Probe.read`.
_READING = ("token", "tokens", "start", "end", "written", "layer", "number", "decoded", "score", "reason")

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False, repr=False)
class Probe(Estimator):
    """A probe of one kind, fitted on every layer and fold.

    Attributes
    ----------
    kind
        "fourier", "digits", "circular", "helix", "binary", "linear", "log", "sinusoidal", "wave" or "mlp"
        (docs/probes.md).
    numbers
        int64 [N]: all candidates, min..max.
    layers
        Names of the layers that can be read.
    folds
        "all" (fitted on all values) and/or the names of the folds (fitted without the fold's test values).
    constant
        Layers whose training states are all the same vector, so that nothing can be read.
    width
        Components per state.
    metadata
        Origin of the probe: `model`, `source`, `weights_sha256`, `tokenizer_sha256`, `context`, `control`,
        `site`, `split`, `settings`, `provenance` (docs/probes.md). A universal probe adds `contexts`, a probe that
        leaves its study `measured` (`accuracy`).
    tensors
        (layer, fold) -> the fitted arrays. Always `mean` float64 [d], `scale` float64 [1], `weight` float32 [d, k].
        Closed form: `columns` int32 [k] of the code, `precision` float32 [k], `target_mean` float32 [k]. Iterative:
        `bias` float32 [k], `classes` float32 [N, k]; `mlp` reads a hidden layer of `hidden_weight` float32 [d, h] and
        `hidden_bias` float32 [h], and its `weight` is [h, k]. A probe that is normalised per layer and context also has
        `mean@CONTEXT` and `scale@CONTEXT`. Layers of a universal probe share the other arrays.
    """

    kind: str
    numbers: np.ndarray
    layers: tuple[str, ...]
    folds: tuple[str, ...]
    constant: tuple[str, ...]
    width: int
    metadata: Mapping[str, Any]
    tensors: Mapping[tuple[str, str], Tensors]

    def scores(self, hidden: Any, layer: str | int, fold: str | int = ALL) -> np.ndarray:
        """Return the score of every candidate number, float32 [n, N]; the largest is the reading.

        For `fourier`, `helix`, `sinusoidal`, `wave` and `mlp` a softmax over the candidates gives probabilities; for
        `linear` and `log` the score is minus the distance to the predicted value.

        Parameters
        ----------
        hidden
            States [n, width], numpy or torch, of a floating-point type.
        layer
            One of `layers`.
        fold
            One of `folds`.

        Raises
        ------
        NumprobeError
            If the layer or fold is unknown, the layer constant, or the states have another width, an integer type,
            or NaN or infinite components.
        """
        tensors = self._part(str(layer), str(fold))
        latent = self._latent(hidden, tensors)
        if self.kind in CODES:
            return self._code_scores(latent, tensors)
        return np.asarray((latent + tensors["bias"]) @ tensors["classes"].T)

    def fits(self, hidden: Any, layer: str | int, fold: str | int = ALL) -> np.ndarray | None:
        """Return how well each state fits the number that is read, float32 [n]; parameters and errors as in `scores`.

        It is the log-likelihood of the number's code: minus half the weighted squared distance of the predicted code
        from it. Scores compare candidates; this also tells states that fit no number at all. None for probes without
        such a code (linear, log, and those trained by gradient descent).
        """
        tensors = self._part(str(layer), str(fold))
        if self.kind not in CODES or make_code(self.kind, int(self.numbers[0]), int(self.numbers[-1])).inverse:
            return None
        latent = self._latent(hidden, tensors)
        best = self._code_scores(latent, tensors).max(axis=1)
        return np.asarray(best - 0.5 * (latent**2 @ tensors["precision"]))

    def decode(self, hidden: Any, layer: str | int, fold: str | int = ALL) -> np.ndarray:
        """Return the number that is read from each state, int64 [n]; parameters and errors as in `scores`."""
        best = [self.scores(part, layer, fold).argmax(axis=1) for part in _batches(hidden)]
        return np.asarray(self.numbers[np.concatenate(best)])

    def likelihoods(self, scores: np.ndarray) -> np.ndarray | None:
        """Return the probability of each reading from the scores of all candidates, float64 [n].

        None for kinds whose scores are not likelihoods.
        """
        if self.kind not in PROBABILISTIC:
            return None
        exact = scores.astype(np.float64)
        return np.asarray(1 / np.exp(exact - exact.max(axis=1, keepdims=True)).sum(axis=1))

    def read(self, model: Any, tokenizer: Any, text: str, fold: str | int = ALL) -> pl.DataFrame:
        """Find the numbers in a text and read each at its last token in every layer; give reasons for those not read.

        Parameters
        ----------
        model, tokenizer
            A transformers model and its fast tokenizer.
        text
            Any text.
        fold
            One of `folds`.

        Returns
        -------
        One row per number and layer: columns `token` (index of its last token), `tokens` (number of tokens), `start`,
        `end` (character span), `written`, `layer`, `number` (as written), `decoded`, `score` (probability of the
        decoded number; null for kinds whose scores are not likelihoods) and `reason` (null). A numeral that is not read
        has one row with its `reason` (docs/numbers.md); its `token`, `tokens`, `layer`, `decoded` and `score` are null.

        Raises
        ------
        NumprobeError
            If the model does not fit the probe, or its states cannot be read.
        """
        # Imported by name, so that fits do not depend on the code of extraction (numprobe.codedigest follows imports).
        number_states = import_module("numprobe.activations.read_text").number_states
        if self.metadata.get("control", "none") == "gaussian":
            raise NumprobeError("this is the Gaussian control: it was fitted on random vectors and reads no model")
        source = self.metadata.get("source") or {}
        told = (
            source.get("prefix_token"),
            bool(source.get("single_tokens")),
            range(self.numbers[0], self.numbers[-1] + 1),
        )
        found, states = number_states(model, tokenizer, text, list(self.layers), *told)
        read = found.filter(pl.col("reason").is_null())
        parts = [self._readings(read, states[layer], layer, str(fold)) for layer in self.layers]
        table: pl.DataFrame = pl.concat([*parts, found.filter(pl.col("reason").is_not_null())], how="diagonal")
        return table.select(_READING).sort("start", maintain_order=True)

    def in_context(self, context: str) -> "Probe":
        """Return the same probe with the normalisation of one of the contexts that it was fitted in.

        This changes only a probe that is normalised per layer and context; unchanged, it reads states of unknown
        context with the normalisation of the layer over all its contexts.

        Raises
        ------
        NumprobeError
            If it was not fitted in this context.
        """
        known = self.metadata.get("contexts") or [self.metadata.get("context")]
        if context not in known:
            raise NumprobeError(
                f"this probe was not fitted in the context '{context}': it knows {', '.join(map(str, known))}"
            )
        normalised = {place: _with_own(arrays, context) for place, arrays in self.tensors.items()}
        return replace(self, metadata={**self.metadata, "contexts": [context]}, tensors=normalised)

    @property
    def accuracy(self) -> pl.DataFrame:
        """The share of held-out numbers that the probe's folds read correctly, by layer, with controls.

        Columns `layer`, `control` ("none" is the probe itself), `value`, `ci_low`, `ci_high` (95 % over numbers),
        `n_values` and `n_prompts`. A probe has it if `numprobe.fit` made it or it was published.

        Raises
        ------
        NumprobeError
            If the probe's file holds no measurements.
        """
        return measured_table(self.metadata).filter(pl.col("metric") == "accuracy").drop("metric")

    @property
    def file_name(self) -> str:
        """`{kind}.safetensors`, or `{kind}.{control}.safetensors` of a control."""
        control = self.metadata["control"]
        return f"{self.kind}.safetensors" if control == "none" else f"{self.kind}.{control}.safetensors"

    def save(self, path: str | Path) -> None:
        """Write a safetensors file atomically, shared arrays once; its bytes depend on the probe alone."""
        described = {
            **self.metadata,
            "format": _FORMAT,
            "kind": self.kind,
            "minimum": int(self.numbers[0]),
            "maximum": int(self.numbers[-1]),
            "layers": list(self.layers),
            "constant": list(self.constant),
            "folds": list(self.folds),
            "width": self.width,
        }
        flat = {
            f"{self._owner(layer, fold, name)}/{fold}/{name}": array
            for (layer, fold), tensors in self.tensors.items()
            for name, array in tensors.items()
        }
        write_tensors(path, flat, described)

    def push_to_hub(self, id: str, private: bool = False, licence: str = "mit") -> str:
        """Upload the probe with a card to a repository of the Hugging Face hub, and return its address.

        Parameters
        ----------
        id
            The repository, ORG/NAME; it is made if it is not there.
        private
            Whether a new repository is private.
        licence
            Its licence, by the hub's name for it.

        Raises
        ------
        NumprobeError
            If the probe has no measurements (`accuracy`), there is no token, or it may not write there.
        """
        return str(import_module("numprobe.publish.upload").publish([self], id, licence, private))

    def _owner(self, layer: str, fold: str, name: str) -> str:
        """Return the layer under whose name an array is stored."""
        arrays = [self.tensors[other, fold].get(name) for other in self.layers]
        shared = len(arrays) > 1 and all(array is arrays[0] for array in arrays)
        return _SHARED if shared else layer

    def _part(self, layer: str, fold: str) -> Tensors:
        if layer in self.constant:
            raise NumprobeError(f"layer '{layer}' is constant (all its training states are equal): nothing to read")
        if layer not in self.layers:
            raise NumprobeError(f"this probe has no layer '{layer}': it has {', '.join(self.layers)}")
        if fold not in self.folds:
            raise NumprobeError(f"this probe has no fold '{fold}': it has {', '.join(self.folds)}")
        return dict(self.tensors[layer, fold])

    def _code_scores(self, latent: np.ndarray, tensors: Tensors) -> np.ndarray:
        code = make_code(self.kind, int(self.numbers[0]), int(self.numbers[-1]))
        mean, precision = tensors["target_mean"], tensors["precision"]
        if code.inverse is not None:
            predicted = code.inverse((latent[:, 0] + mean[0]).astype(np.float64))
            return np.asarray(-np.abs(predicted[:, None] - self.numbers), dtype=np.float32)
        classes = code.matrix[:, tensors["columns"]] - mean
        bias = -0.5 * (classes**2 @ precision)
        return np.asarray(latent @ (classes * precision).T.astype(np.float32) + bias.astype(np.float32))

    def _latent(self, hidden: Any, tensors: Tensors) -> np.ndarray:
        """Return the predicted code of each state about its mean, float32 [n, k]."""
        read = ((_as_states(hidden, self.width) - tensors["mean"]) / tensors["scale"]).astype(np.float32)
        if "hidden_weight" in tensors:
            read = np.maximum(read @ tensors["hidden_weight"] + tensors["hidden_bias"], 0)
        return np.asarray(read @ tensors["weight"])

    def _readings(self, found: pl.DataFrame, states: np.ndarray, layer: str, fold: str) -> pl.DataFrame:
        scores = self.scores(states, layer, fold)
        likely = self.likelihoods(scores)
        return found.with_columns(
            pl.lit(layer).alias("layer"),
            pl.Series("decoded", self.numbers[scores.argmax(axis=1)], dtype=pl.Int64),
            pl.Series("score", [None] * len(scores) if likely is None else likely, dtype=pl.Float64),
        )


def load_probe(
    path: str | Path,
    model: Any = None,
    tokenizer: Any = None,
    check: bool = True,
    *,
    context: str | None = None,
    kind: str | None = None,
    revision: str | None = None,
) -> Probe:
    """Read a probe, and check that it belongs to the given model and tokenizer.

    Parameters
    ----------
    path
        A file that `Probe.save` wrote; a folder with the probes of a model, such as `results/probes/smollm2`; or the id
        of a repository on the Hugging Face hub (ORG/NAME), from which a probe is fetched unless it is in the cache.
    model
        A transformers model: width, layers, id and revision, or the weights of a local folder, must be those of the
        probe's model.
    tokenizer
        A fast tokenizer, which must be the probe's.
    check
        False for deliberate transfer to another model.
    context, kind
        Which probe of a folder or repository. None: that of the only context; `fourier`, or the only kind.
    revision
        Branch, tag or commit of the repository.

    Raises
    ------
    NumprobeError
        If the file is missing, truncated or not a probe, belongs to another model or tokenizer, or the repository has
        no such probe, is private or gated, or cannot be reached.
    """
    if (context, kind, revision) != (None, None, None) or not Path(path).is_file():
        path = import_module("numprobe.probes.published").locate(path, context, kind, revision)
    described, flat = read_tensors(path, _FORMAT, "a probe")
    probe = _assemble(Path(path), described, flat)
    if check and model is not None:
        check_model(probe.metadata, probe.width, probe.layers, model)
    if check and tokenizer is not None:
        check_tokenizer(probe.metadata, tokenizer)
    return probe


def _assemble(path: Path, described: dict[str, Any], flat: dict[str, np.ndarray]) -> Probe:
    missing = [key for key in _REQUIRED if key not in described]
    tensors: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for key, array in flat.items():
        place, _, name = key.rpartition("/")
        layer, _, fold = place.partition("/")
        for owner in described.get("layers", []) if layer == _SHARED else [layer]:
            tensors.setdefault((owner, fold), {})[name] = array
    if missing or set(tensors) != {(layer, fold) for layer in described["layers"] for fold in described["folds"]}:
        raise NumprobeError(f"{path} lacks parts of a probe ({missing or 'tensors'}): fit the probe again")
    return Probe(
        kind=described["kind"],
        numbers=np.arange(described["minimum"], described["maximum"] + 1),
        layers=tuple(described["layers"]),
        folds=tuple(described["folds"]),
        constant=tuple(described["constant"]),
        width=int(described["width"]),
        metadata={key: value for key, value in described.items() if key not in {*_REQUIRED, "format"}},
        tensors=tensors,
    )


def _with_own(arrays: Tensors, context: str) -> Tensors:
    """Return the arrays with the mean and the scale of a context, if it has its own."""
    general = {name: array for name, array in arrays.items() if "@" not in name}
    return general | {name: arrays[f"{name}@{context}"] for name in ("mean", "scale") if f"{name}@{context}" in arrays}


def _batches(hidden: Any) -> list[Any]:
    """Return slices of rows, so that the scores [rows, N] of a large array do not fill the memory."""
    if len(getattr(hidden, "shape", ())) != 2 or len(hidden) <= _BATCH:
        return [hidden]
    return [hidden[start : start + _BATCH] for start in range(0, len(hidden), _BATCH)]


def _as_states(hidden: Any, width: int) -> np.ndarray:
    """Check states, and return them as float64 [n, width]."""
    if hasattr(hidden, "detach"):
        if not hidden.is_floating_point():
            raise NumprobeError(f"hidden states must be floating-point, not {hidden.dtype}")
        hidden = hidden.detach().cpu().double().numpy()
    states = np.asarray(hidden)
    if states.dtype.kind != "f":
        raise NumprobeError(f"hidden states must be floating-point, not {states.dtype}")
    if states.ndim != 2 or states.shape[1] != width:
        raise NumprobeError(f"hidden states must have shape [n, {width}], not {list(states.shape)}")
    if not np.isfinite(states).all():
        raise NumprobeError("hidden states have NaN or infinite components")
    return states.astype(np.float64)
