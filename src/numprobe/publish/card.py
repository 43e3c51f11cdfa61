"""The card of published probes: what they are, how well they read, how to use them, and their limits."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from numprobe import __version__
from numprobe.layers import layer_order
from numprobe.percent import per_cent
from numprobe.probes.leading import choose_leading
from numprobe.probes.measured import best_layer
from numprobe.probes.probe import Probe

# Columns of the tables; further controls follow as they come.
_CONTROLS = ("shuffled", "gaussian", "untrained", "mixed", "last_token", "constant")
_MEANING = {
    "shuffled": "the same fit after one permutation of the numbers",
    "gaussian": "the same fit on one random vector for each number",
    "untrained": "the same architecture with random weights",
    "mixed": "a fixed random mix of the embeddings of the last four tokens, without any network",
    "last_token": "the best guess from the number's last token alone",
    "constant": "the most frequent number, always",
}
_TEXT = "A pack of 12 pens costs 348 cents."
_CITATION = """@software{numprobe,
  title   = {numprobe: a pipeline for probing how language models represent numbers},
  author  = {{The numprobe authors}},
  version = {VERSION},
  license = {MIT}
}
@article{kadlcik2025unravelling,
  title  = {Unravelling the Mechanisms of Manipulating Numbers in Language Models},
  author = {Kadlčík, Marek and Štefánik, Michal and Mickus, Timothee and Spiegel, Michal and Kuchař, Josef},
  year   = {2025},
  note   = {arXiv:2510.26285}
}"""


def card(probes: Sequence[Probe], id: str, licence: str, figure: bool) -> str:
    """Return the card (README.md) of a repository of probes.

    Parameters
    ----------
    probes
        The probes, of one model, with measurements; their arrays are not needed.
    id
        The repository.
    licence
        Its licence, by the hub's name for it.
    figure
        Whether there is `accuracy.png`.
    """
    model = _model(probes[0])
    parts = [
        _front_matter(probes[0], licence),
        f"# Number probes of {model}",
        f"Probes that read a number from the hidden states of {model}, fitted and measured with numprobe. Every "
        "accuracy below is on numbers that the probe had never seen.",
        "## Use",
        f"```python\n{snippet(_leading(probes), id)}\n```",
        "## The model\n\n" + "\n".join(f"- {line}" for line in _facts(probes[0])),
        "## The fit\n\n" + "\n".join(f"- {line}" for line in _training(probes)),
        "## Accuracy on unseen numbers",
        *(["![Accuracy by layer](accuracy.png)"] if figure else []),
        _explained(probes),
        *_tables(probes),
        "All kinds, controls and metrics: [accuracy.csv](accuracy.csv).",
        "## Limits\n\n" + "\n".join(f"- {line}" for line in _limits(probes[0], model)),
        f"## Licence and citation\n\nThe probes are under the licence `{licence}`; the model has its own.",
        f"```bibtex\n{_CITATION.replace('VERSION', __version__)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _leading(probes: Sequence[Probe]) -> Probe:
    """Return the leading probe of the first context."""
    here = {probe.kind: probe for probe in probes if probe.metadata["context"] == probes[0].metadata["context"]}
    return here[choose_leading(list(here))]


def snippet(probe: Probe, id: str) -> str:
    """Return a program that loads the model and a probe, and reads the numbers of a sentence."""
    chosen = f'context="{probe.metadata["context"]}", kind="{probe.kind}"'
    if probe.metadata.get("model") is None:
        return f'import numprobe\n\nprobe = numprobe.load_probe("{id}", {chosen})\nprint(probe.accuracy)'
    imports, place = _loading(probe)
    best = best_layer(probe.accuracy)
    layer = best["layer"] if best else "0"
    return f"""import numprobe
{imports}from transformers import AutoModel, AutoTokenizer

model = AutoModel.from_pretrained({place})
tokenizer = AutoTokenizer.from_pretrained({place})
probe = numprobe.load_probe("{id}", model, tokenizer, {chosen})
table = probe.read(model, tokenizer, "{_TEXT}")
print(table.filter(layer="{layer}").select("written", "layer", "decoded", "score"))"""


def _loading(probe: Probe) -> tuple[str, str]:
    """Return the lines of imports that loading the model needs, and what `from_pretrained` is given."""
    source = probe.metadata.get("source") or {}
    if source.get("kind") == "hub":
        revision = probe.metadata.get("revision") or source.get("revision")
        return "", f'"{source["id"]}"' + (f', revision="{revision}"' if revision else "")
    if source.get("kind") == "package":
        found = f'find_package_folder("{source["package"]}", "{source["folder"]}")'
        return "from numprobe.models.packages import find_package_folder\n", found
    if source.get("kind") == "path":
        return "", f'"path/to/{source["path"]}"'
    folder = source.get("folder") or f"results/models/{probe.metadata['model']}"
    return "", f'"{folder}"'


def _front_matter(probe: Probe, licence: str) -> str:
    source = probe.metadata.get("source") or {}
    base = [f"base_model: {source['id']}"] if source.get("kind") == "hub" else []
    lines = [
        "library_name: numprobe",
        f"license: {licence}",
        *base,
        "tags:",
        "- numprobe",
        "- probing",
        "- interpretability",
    ]
    return "---\n" + "\n".join(lines) + "\n---"


def _model(probe: Probe) -> str:
    source = probe.metadata.get("source") or {}
    return str(source.get("id") or probe.metadata.get("model") or "a model that is not named")


def _facts(probe: Probe) -> Iterator[str]:
    metadata, source = probe.metadata, probe.metadata.get("source") or {}
    yield f"Model: {_model(probe)}" + (f" (`{source['kind']}`)" if source.get("kind") else "")
    yield from (
        f"{title}: `{metadata[key]}`"
        for key, title in (
            ("revision", "Revision"),
            ("weights_sha256", "Weights, sha256"),
            ("tokenizer_sha256", "Tokenizer, sha256"),
        )
        if metadata.get(key)
    )
    if source.get("kind") not in (None, "hub"):
        yield "The study read the model from a folder, not from the hub: the program above needs that folder."
    yield "`load_probe` compares the model and the tokenizer that it is given with these, and refuses others."


def _training(probes: Sequence[Probe]) -> Iterator[str]:
    first = probes[0]
    split = first.metadata.get("split") or {}
    contexts = list(dict.fromkeys(str(probe.metadata["context"]) for probe in probes))
    yield f"Numbers: {int(first.numbers[0])} to {int(first.numbers[-1])}, all of which are candidates of every reading."
    yield f"Contexts: {', '.join(contexts)}. Kinds: {', '.join(dict.fromkeys(probe.kind for probe in probes))}."
    tested = [len(parts["test"]) for name, parts in (split.get("folds") or {}).items() if name != "all"]
    if tested:
        yield (
            f"Accuracy: {len(tested)} fold(s) over the numbers (scheme `{split.get('scheme')}`, seed "
            f"{split.get('seed')}); no row of a number that tests takes part in the fit of its fold, not even to choose"
            " a penalty."
        )
    for context in contexts:
        (read, *_) = [probe.accuracy for probe in probes if probe.metadata["context"] == context]
        own = read.filter(pl.col("control") == "none")
        values, rows = int(own["n_values"].to_numpy().max()), int(own["n_prompts"].to_numpy().max())
        yield f"{context}: accuracy over {values} numbers in {rows} rows."
    yield f"Files: the probe that is fitted on all numbers{', and those of the folds' if len(first.folds) > 1 else ''}."


def _explained(probes: Sequence[Probe]) -> str:
    found = _controls(pl.concat([probe.accuracy for probe in probes]))
    told = "; ".join(f"`{name}`: {_MEANING[name]}" for name in found if name in _MEANING)
    return f"In per cent, with 95 % intervals over numbers. Controls: {told}."


def _tables(probes: Sequence[Probe]) -> Iterator[str]:
    """Yield the table of the leading kind of each context, by layer; then all kinds in their best layer."""
    for context in dict.fromkeys(str(probe.metadata["context"]) for probe in probes):
        here = {probe.kind: probe for probe in probes if probe.metadata["context"] == context}
        kind = choose_leading(list(here))
        yield f"### {context}: `{kind}`"
        yield _by_layer(here[kind].accuracy)
    if len(probes) > 1:
        yield "### Every probe in its best layer"
        yield _best(probes)


def _by_layer(accuracy: pl.DataFrame) -> str:
    cells = {(row["layer"], row["control"]): row for row in accuracy.iter_rows(named=True)}
    controls = _controls(accuracy)
    layers = _ordered(accuracy.filter(pl.col("control") == "none")["layer"].unique(maintain_order=True).to_list())
    rows = [
        [layer, *(_cell(cells.get((layer, name), cells.get((None, name)))) for name in ("none", *controls))]
        for layer in layers
    ]
    return _markdown(["layer", "accuracy", *controls], rows)


def _best(probes: Sequence[Probe]) -> str:
    found = [(probe, best_layer(probe.accuracy)) for probe in probes]
    rows = [[str(probe.metadata["context"]), probe.kind, row["layer"], _cell(row)] for probe, row in found if row]
    return _markdown(["context", "probe", "layer", "accuracy"], rows)


def _ordered(layers: list[str]) -> list[str]:
    known = {"embedding", "final_norm", "unembedding"}
    return layer_order(layers) if all(name.isdecimal() or name in known for name in layers) else layers


def _controls(accuracy: pl.DataFrame) -> list[str]:
    found = [name for name in accuracy["control"].unique(maintain_order=True) if name != "none"]
    return [*(name for name in _CONTROLS if name in found), *(name for name in found if name not in _CONTROLS)]


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["value"] is None:
        return "constant"
    bounds = "" if row["ci_low"] is None else f" ({per_cent(row['ci_low'], 1)} to {per_cent(row['ci_high'], 1)})"
    return f"{per_cent(row['value'], 1)}{bounds}"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _limits(probe: Probe, model: str) -> Iterator[str]:
    yield f"The probes hold for these weights and this tokenizer of {model}, and for texts like those of the contexts."
    yield "A probe names a number at every token. Read it where a number is written; elsewhere its answer says nothing."
    yield "A number that can be read is present in the state. That the model uses it is another question."
    yield (
        "Reading a number of several tokens proves little by itself: a fixed mix of its tokens' embeddings reads it "
        "too (`mixed`, where it was measured)."
    )
    yield (
        f"Only {int(probe.numbers[0])} to {int(probe.numbers[-1])} are candidates: `read` leaves other numbers out, "
        "`decode` takes them for one of these."
    )
