"""Prints docs/models.md from a small random model of every supported type, a quarter of a minute on one core.

    make models

It ends with an error if a model is not read as it should be.
"""

import sys
from collections.abc import Iterable, Iterator

import transformers
from transformers.utils import logging

from models.survey import Finding, survey
from numprobe.models.facts import SUPPORTED, WRAPPERS

HEAD = f"""# Types of model

What is read of each type of model (`model_type` in its `config.json`), checked on a small random model of each against
what `transformers` {transformers.__version__} reports. `make models` prints this page, and `make test-slow` checks it.

- **states**: layer 0, every block and the final norm equal the hidden states that the model reports (to 1e-4 of the
  largest component).
- **prefixes**: `shared`: prefixes that texts share are computed once, and states agree to 1e-4; `whole`: each
  text is run on its own, because tokens see more than those before them, or places are counted along the row.
- **sites**: whether queries, keys, values, and what attention and MLP add are found and make up what the block does: in
  `all` blocks, or in those that have `attention` (let `states` name them); `no`: the experiment `sites` refuses it.

A decoder of another type is tried if it describes itself as Llama does (an architecture `...ForCausalLM`,
`num_hidden_layers`, `tie_word_embeddings`): it is built without weights first, every state must come in its place, and
its card says whether it shares prefixes, after both ways were compared. `numprobe add-model` and `describe_model`
refuse at once what cannot be read.

## Files of a model

Of a folder what `transformers` would load is read, and nothing else: `model.safetensors`, or without it the files that
`model.safetensors.index.json` names. Other safetensors files (checkpoints, copies in another layout, files of an index
beside a single file) count neither for rows, checksums and parameters nor for anything else. Files that are missing,
shorter or longer than their header says, or Git LFS pointers are refused; so is a tensor that two of the files hold.

Whether the output matrix is the input matrix is told by the two matrices, where the files hold both, and by
`tie_word_embeddings` where they hold one: so a head of its own is read as `unembedding` whatever `config.json` says, as
`transformers` uses it. A hub entry whose `tied` differs from the weights is refused when the model is described.

Every tensor of the language model must have its place and shape in the model that `config.json` describes.
`transformers` drops the others without a word, so that a file with more blocks than `num_hidden_layers`, or with biases
and norms that the configuration does not know, gives the states of another model. It is refused, by the name of the
tensor, before any weight is read. Heads that are not asked for, image towers, blocks for further tokens (`mtp`,
`eh_proj`), and positions, angles and masks may be left over.

Quantised weights are refused (bitsandbytes, GPTQ, AWQ, compressed-tensors and unknown ones), but for FP8 and MXFP4,
which are read as the plain weights that they stand for; GGUF files are converted. An adapter beside a model, parts of a
distributed checkpoint, ids and tokens beyond the matrices, and a byte-order mark in a JSON file are refused too: by
`numprobe add-model`, and of a folder when the run starts.
"""


def page(findings: Iterable[Finding], wrappers: Iterable[Finding]) -> str:
    """Return the page."""
    types = _table(["type", "states", "prefixes", "sites", "notes"], map(_row, findings))
    inside = _table(["type", "inside", "states", "prefixes", "sites"], map(_wrapper_row, wrappers))
    return f"""{HEAD}
{types}

## Multimodal models

Of these the language model inside is read; nothing else is loaded, but where logits are needed of a language model
without a class of its own (Qwen VL, GLM-V). Wrappers of other types are tried if the type inside is supported.

{inside}
"""


def _row(found: Finding) -> list[str]:
    return [found.kind, "equal", _prefixes(found), _sites(found), "; ".join(_notes(found))]


def _notes(found: Finding) -> Iterator[str]:
    if found.first != "0":
        yield "reports no layer 0"
    if isinstance(found.sites, str):
        yield (
            "the layout of its blocks is unknown"
            if "layout of these blocks" in found.sites
            else "its blocks do more than to add"
        )


def _wrapper_row(found: Finding) -> list[str]:
    return [found.kind, found.inside, "equal", _prefixes(found), _sites(found)]


def _prefixes(found: Finding) -> str:
    return "shared" if found.shared else "whole"


def _sites(found: Finding) -> str:
    if isinstance(found.sites, str):
        return "no"
    return "all" if len(found.sites) == 3 else "attention"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def survey_all() -> tuple[list[Finding], list[Finding]]:
    """Build and read a model of every type, and of every wrapper."""
    return [survey(kind) for kind in SUPPORTED], [survey(kind, wrapper=True) for kind in WRAPPERS]


def main() -> int:
    """Print the page, or what is wrong."""
    logging.set_verbosity_error()
    types, wrappers = survey_all()
    problems = [problem for found in (*types, *wrappers) for problem in found.problems()]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    print(page(types, wrappers), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
