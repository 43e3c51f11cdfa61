"""One-bit flips in files, each read by the public reader of its kind: none may be read without a word."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from numprobe.activations.store import read_states
from numprobe.errors import NumprobeError
from numprobe.probes.probe import load_probe
from numprobe.prompts.table import read_prompts
from numprobe.sealed import read_sealed_json
from numprobe.tables import read_table

#: Kind of file -> the file in a study, and what reads it.
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "state": (
        "results/activations/small/number/residual-1.parquet",
        lambda path: read_states(path.parent, layer="1"),
    ),
    "probe": ("results/probes/small/number/fourier.safetensors", load_probe),
    "predictions": ("results/predictions/encoder/number.parquet", read_table),
    "prompts": ("results/prompts/number.parquet", read_prompts),
    "card": ("results/cards/small.json", read_sealed_json),
}


@dataclass(frozen=True)
class Flips:
    """What came of the flips in one file: how many there were, were refused, ended in another error, and were read."""

    kind: str
    flips: int
    refused: int
    crashed: int

    @property
    def read(self) -> int:
        """Flips that went unnoticed."""
        return self.flips - self.refused - self.crashed


def flip_bits(reference: Path, folder: Path, kind: str, flips: int, seed: int) -> Flips:
    """Flip one bit after the other in a copy of a file, and read it each time.

    Parameters
    ----------
    reference
        A finished study.
    folder
        A new folder for the copy.
    kind
        One of `READERS`.
    flips
        How many different bits.
    seed
        Chooses them.
    """
    file, read = READERS[kind]
    shutil.copytree((reference / file).parent, folder)
    path = folder / Path(file).name
    content = path.read_bytes()
    read(path)
    refused = crashed = 0
    for bit in Random(f"{kind} {seed}").sample(range(8 * len(content)), flips):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            read(path)
        except NumprobeError as error:
            refused += path.name in str(error)
        except KeyboardInterrupt:
            raise
        except BaseException:
            # Whatever else it is, it is no message for people; panics of polars are no exceptions of the usual kind.
            crashed += 1
    return Flips(kind, flips, refused, crashed)
