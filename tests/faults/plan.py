"""Which faults there are: every kind of damage on every kind of file, at rest and while jobs run."""

from dataclasses import dataclass
from itertools import cycle
from random import Random

from faults.damage import DAMAGES, PLACES


@dataclass(frozen=True)
class FileKind:
    """A kind of file of the small study, and what is run so that it is made, or read.

    Attributes
    ----------
    name
        What the kind is called.
    path
        One file of that kind.
    maker
        The program that makes it.
    read_for
        What is made of it by the program that reads it; removed so that this program runs again.
    target
        What is asked for in the end.
    """

    name: str
    path: str
    maker: str
    read_for: str
    target: str


_STATES = "results/activations/small/number"
_ACCURACY = "results/tables/accuracy/small/number.parquet"
_CHOSEN = "results/tables/chosen_layers/encoder.parquet"
_SPECTRA = "results/tables/spectra.parquet"
_DRAWN = "results/figures/spectra.csv"
_TEXTS = "results/prompts/natural.parquet"
KINDS = (
    FileKind("states", f"{_STATES}/residual-1.parquet", "extract_activations", _ACCURACY, _ACCURACY),
    FileKind("positions", f"{_STATES}/positions.parquet", "extract_activations", _ACCURACY, _ACCURACY),
    FileKind("manifest", f"{_STATES}/manifest.json", "extract_activations", _ACCURACY, _ACCURACY),
    FileKind(
        "prompts",
        "results/prompts/number.parquet",
        "make_prompts",
        "results/activations/encoder/number/manifest.json",
        "results/tables/accuracy/encoder/number.parquet",
    ),
    FileKind("probe", "results/probes/small/number/fourier.safetensors", "fit_probes", _ACCURACY, _ACCURACY),
    FileKind("predictions", "results/predictions/encoder/number.parquet", "evaluate_probes", _CHOSEN, _CHOSEN),
    FileKind("table", "results/tables/spectra/small.parquet", "evaluate_spectra", _SPECTRA, _SPECTRA),
    FileKind("final table", _SPECTRA, "collect_tables", _DRAWN, _DRAWN),
    FileKind("card", "results/cards/small.json", "describe_model", _ACCURACY, _ACCURACY),
    FileKind("weights", "results/models/small/model.safetensors", "train_model", f"{_STATES}/manifest.json", _ACCURACY),
    FileKind("tokenizer", "results/models/small/tokenizer.json", "train_model", f"{_STATES}/manifest.json", _ACCURACY),
    FileKind("corpus", "results/corpora/natural.parquet", "draw_texts", _TEXTS, _TEXTS),
)
AT_REST, RUNNING = "at rest", "while jobs run"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    damage
        One of `DAMAGES`, or `unreadable`, `full disk`, `job killed`, `workflow killed`.
    kind
        The file that is damaged, or is being made.
    moment
        `at rest` or `while jobs run`.
    place
        Where in the file, one of `PLACES`; empty for what has no place.
    seed
        Of the choices that are left: offset, moment of a kill.
    """

    damage: str
    kind: FileKind
    moment: str
    place: str
    seed: int

    def __str__(self) -> str:
        return " ".join(filter(None, [self.damage, self.kind.name, self.place, self.moment]))


def all_faults(seed: int) -> list[Fault]:
    """Return every damage of every kind of file, at rest and while jobs run, full disks and kills."""
    random = Random(seed)
    places = cycle(random.sample(PLACES, len(PLACES)))
    anytime, running = (*DAMAGES, "unreadable"), ("full disk", "job killed")
    plan = [(damage, kind, moment) for moment in (AT_REST, RUNNING) for damage in anytime for kind in KINDS]
    plan += [(damage, kind, RUNNING) for damage in running for kind in KINDS]
    plan += [("workflow killed", kind, RUNNING) for kind in KINDS if kind.name in ("states", "probe", "weights")]
    return [
        Fault(damage, kind, moment, next(places) if damage in DAMAGES else "", random.randrange(1 << 30))
        for damage, kind, moment in plan
    ]


def part(faults: list[Fault], count: int, seed: int) -> list[Fault]:
    """Return some of the faults, with as many kinds of damage and of files as there is room for."""
    random = Random(seed)
    left, chosen = random.sample(faults, len(faults)), []
    damages: dict[str, int] = {}
    kinds: dict[str, int] = {}
    while left and len(chosen) < count:
        fault = min(left, key=lambda one: (damages.get(one.damage, 0), kinds.get(one.kind.name, 0)))
        left.remove(fault)
        chosen.append(fault)
        damages[fault.damage] = damages.get(fault.damage, 0) + 1
        kinds[fault.kind.name] = kinds.get(fault.kind.name, 0) + 1
    return chosen
