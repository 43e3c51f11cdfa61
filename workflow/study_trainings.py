"""Models that are trained several times (`train.seeds`): one entry becomes a model for each training.

The first training has the name of the entry and everything that the entry says, so that its results are those of an
entry without `seeds`. The further ones are named `{model}.seed2`, `{model}.seed3`, ...; initialisation and order of the
data follow from the name, everything else is shared.
"""

from numprobe.experiments.declare import Config
from numprobe.experiments.find import experiment_names, find_experiment


def training_entries(config: Config) -> list[Config]:
    """Return the entries of all models, those of further trainings behind that of the first."""
    experiments = further_experiments(config)
    return [found for entry in config["models"] for found in _trainings(entry, experiments)]


def measuring_seeds(config: Config) -> list[str]:
    """Return the experiments of a study that measure further trainings."""
    names = [entry["name"] for entry in config["experiments"]]
    return [name for name in names if name in experiment_names() and find_experiment(name).takes_seeds]


def further_experiments(config: Config) -> list[str]:
    """Return the experiments of further trainings: those that measure them, and those that these name."""
    measuring = measuring_seeds(config)
    named = [entry.get("experiments", []) for entry in config["experiments"] if entry["name"] in measuring]
    return list(dict.fromkeys([*measuring, *(name for names in named for name in names)]))


def _trainings(entry: Config, experiments: list[str]) -> list[Config]:
    if "seeds" not in entry.get("train", {}):
        return [entry]
    train = {key: value for key, value in entry["train"].items() if key != "seeds"}
    kept = {key: value for key, value in entry.items() if key != "untrained_seeds"}
    further = kept | {"train": train | {"checkpoints": []}, "controls": [], "experiments": experiments}
    names = [training_name(entry["name"], seed) for seed in range(2, entry["train"]["seeds"] + 1)]
    return [{**entry, "train": train}, *({**further, "name": name, "replicate_of": entry["name"]} for name in names)]


def training_name(model: str, seed: int) -> str:
    """Return the name of a further training of a model."""
    return f"{model}.seed{seed}"
