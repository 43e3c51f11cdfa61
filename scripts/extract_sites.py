"""Store the states inside the blocks at every number of a prompt table: queries, keys, values, and what attention and
MLP add to the residual stream. Layers are the numbers of the blocks. Run by the rules `extract_sites_*`.
"""

import argparse
from typing import Any

from _run import prepare_torch, run
from extract_activations import arguments, extraction


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    from numprobe.activations.sites import extract_sites

    prepare_torch()
    extract_sites(extraction(options), options.prompts, options.output, provenance)


if __name__ == "__main__":
    run(main, arguments(__doc__))
