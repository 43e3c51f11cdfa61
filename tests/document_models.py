"""Print docs/models.md from a small random model of every supported type, in a quarter of a minute on one core.

    make models

It ends with an error if a model is not read correctly.
"""

import sys
from collections.abc import Iterable, Iterator

import transformers
from transformers.utils import logging

from models.survey import Finding, survey
from numprobe.models.model_types import SUPPORTED, WRAPPERS

HEAD = f"""# Types of model

This page lists the states that are read in each type of model (`model_type` in its `config.json`). Each type is checked
on a small random model, against the states that `transformers` {transformers.__version__} reports. `make models`
prints this page, and `make test-slow` checks it.

- **states**: layer 0, every block and the final norm equal the hidden states that the model reports (to 1e-4 of the
  largest component).
- **prefixes**: `shared`: prefixes that texts share are computed once, and states agree to 1e-4. `whole`: each text is
  run separately, because tokens attend to more than the tokens before them, or because positions are counted along the
  row.
- **sites**: whether queries, keys, values, and the outputs of attention and MLP are found, and add up to the output of
  the block. `all`: in all blocks. `attention`: in the blocks that have attention (list those blocks in `states`). `no`:
  the experiment `sites` refuses the type.

A decoder of another type is tried if it describes itself like Llama (an architecture `...ForCausalLM`,
`num_hidden_layers`, `tie_word_embeddings`). It is first built without weights, and every state must be in its place.
Its card says whether it shares prefixes, after a comparison of both ways. `numprobe add-model` and `describe_model`
refuse models that cannot be read, before any other step.

## Files of a model

Of a model's folder, only the files that `transformers` would load are read: `model.safetensors` or, without it, the
files that `model.safetensors.index.json` lists. Other safetensors files (checkpoints, copies in another layout, files
of an index beside a single file) count for nothing: not for rows, checksums or parameters. Missing files, Git LFS
pointers, and files that are shorter or longer than their header says are refused. So is a tensor that is in two files.

If the files contain both the input and the output matrix, a comparison of the two shows whether they are the same. If
the files contain one matrix, `tie_word_embeddings` decides. A separate head is thus read as `unembedding` whatever
`config.json` says, as in `transformers`. A hub entry whose `tied` contradicts the weights is refused when the model is
described.

Every tensor of the language model must have its place and shape in the model that `config.json` describes.
`transformers` drops other tensors silently. A file with more blocks than `num_hidden_layers`, or with biases and norms
that the configuration lacks, would then give the states of another model. Such a file is refused before any weight is
read, and the message names the tensor. Unused heads, image towers, blocks for further tokens (`mtp`, `eh_proj`), and
positions, angles and masks may be left over.

Quantised weights are refused (bitsandbytes, GPTQ, AWQ, compressed-tensors and unknown ones), except FP8 and MXFP4,
which are read as the plain weights that they represent; GGUF files are converted. An adapter beside a model, parts of a
distributed checkpoint, ids and tokens beyond the matrices, and a byte-order mark in a JSON file are also refused: by
`numprobe add-model` and, for a folder, when the run starts.
"""


def page(findings: Iterable[Finding], wrappers: Iterable[Finding]) -> str:
    """Return the page."""
    types = _table(["type", "states", "prefixes", "sites", "notes"], map(_row, findings))
    inside = _table(["type", "inside", "states", "prefixes", "sites"], map(_wrapper_row, wrappers))
    return f"""{HEAD}
{types}

## Multimodal models

In multimodal models, only the language model inside is read. Nothing else is loaded, except if logits are needed of a
language model without a separate class (Qwen VL, GLM-V). Wrappers of other types are tried if the type inside is
supported.

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
            else "its blocks do more than add"
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
    """Print the page or the problems, and return the exit status."""
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
