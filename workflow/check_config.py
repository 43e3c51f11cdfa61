"""Check a study's configuration before the first job. Messages name the key, the value and what is allowed.

There are two passes: the JSON Schema (`check_schema.py`), and what a schema cannot express (names that refer to each
other, layers that a model has, files that exist). All problems of a pass are reported together.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from check_schema import schema_problems
from command_line import read_given_values
from config_schema import config_schema, fill_defaults
from study_trainings import measuring_seeds, training_entries

from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Config
from numprobe.experiments.find import all_experiments, experiment_names, find_experiment
from numprobe.experiments.inputs import VOCABULARY
from numprobe.names import path_problem, unknown_names
from numprobe.probes.settings import ITERATIVE
from numprobe.prompts.arithmetic import arithmetic_examples
from numprobe.runs import Run


def check_config(config: Config, given: Config | None = None) -> None:
    """Check `config` and fill in the defaults, in place.

    Parameters
    ----------
    config
        The configuration.
    given
        The part of it given by `--config` on the command line.

    Raises
    ------
    NumprobeError
        Listing every problem found, each with the key, the value and what is allowed.
    """
    if given:
        read_given_values(config, given, config_schema())
    _raise(list(schema_problems(config)))
    fill_defaults(config)
    checks = (
        _number_problems,
        _model_problems,
        _context_problems,
        _probe_problems,
        _declared_problems,
    )
    _raise([problem for check in checks for problem in check(config)])


def _raise(problems: list[str]) -> None:
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise NumprobeError(f"the configuration has {len(problems)} problem(s):\n{lines}\nEvery key: config/README.md")


def _number_problems(config: Config) -> Iterator[str]:
    low, high = config["numbers"]["min"], config["numbers"]["max"]
    split = config["split"]
    if low >= high:
        yield f"numbers: the range {low}..{high} is empty, min must be smaller than max"
        return
    if split["scheme"] == "paper" and (low, high) != (0, 999):
        yield f"split.scheme: 'paper' is defined for numbers 0..999, not {low}..{high}"
    if split["scheme"] == "folds" and split["folds"] > high - low + 1:
        yield f"split.folds: is {split['folds']}, but {low}..{high} has only {high - low + 1} values"
    if split["scheme"] == "folds" and split["inner"] >= split["folds"]:
        yield f"split.inner: is {split['inner']}, must be less than split.folds = {split['folds']}"


def _duplicates(entries: list[Config], section: str) -> Iterator[str]:
    for name, count in Counter(entry["name"] for entry in entries).items():
        if count > 1:
            yield f"{section}: the name '{name}' is used {count} times, names must be unique"


def _model_problems(config: Config) -> Iterator[str]:
    yield from _duplicates(training_entries(config), "models")
    contexts = [entry["name"] for entry in config["contexts"]]
    experiments = [entry["name"] for entry in config["experiments"]]
    trained = {entry["name"]: entry["train"] for entry in config["models"] if "train" in entry}
    for entry in config["models"]:
        where = f"models['{entry['name']}']"
        if (run := Run.parse(entry["name"])).control != "none":
            yield f"{where}.name: must not end in '.{run.control}', which names a control of the model '{run.model}'"
        yield from _path_problems(entry, ("path", "file", "folder"), where)
        yield from _control_problems(entry, config["controls"], where)
        if "device" in entry and "device_map" in entry:
            yield f"{where}.device_map: spreads the model over devices, so leave 'device' out"
        if entry["source"] == "package" and ("folder" in entry) == ("file" in entry):
            yield f"{where}: needs either 'folder' (a model folder of the package) or 'file' (a GGUF file of it)"
        if entry["source"] == "train":
            yield from _train_problems(entry, where, trained, config["numbers"])
            yield from _seeds_problems(entry, where, config)
        yield from unknown_names(entry.get("contexts", []), [*contexts, VOCABULARY], f"{where}.contexts", "contexts")
        yield from unknown_names(entry.get("experiments", []), experiments, f"{where}.experiments", "experiments")
        yield from _size_problems(entry, config["contexts"], f"{where}.sizes")


def _path_problems(entry: Config, keys: tuple[str, ...], where: str) -> Iterator[str]:
    """Check that paths can be input files of rules, in which braces are wildcards."""
    for key in keys:
        if key in entry and (problem := path_problem(entry[key])) is not None:
            yield f"{where}.{key}: {problem}"


def _size_problems(entry: Config, contexts: list[Config], where: str) -> Iterator[str]:
    sized = [context["name"] for context in contexts if context["kind"] != "number"]
    yield from unknown_names(list(entry.get("sizes", {})), sized, where, "contexts that have a size")


def _control_problems(entry: Config, controls: list[str], where: str) -> Iterator[str]:
    """Check a model's controls, which may omit some of the study's and have several untrained ones."""
    own = entry.get("controls", controls)
    for name in own:
        if name not in controls:
            known = ", ".join(controls) or "none"
            yield f"{where}.controls: '{name}' is not among the study's controls ({known}): add it there"
    if entry.get("untrained_seeds", 1) > 1 and "untrained" not in own:
        yield f"{where}.untrained_seeds: is {entry['untrained_seeds']}, but 'untrained' is not among its controls"
    elif entry.get("untrained_seeds", 1) > 1 and "of" in entry:
        yield f"{where}.untrained_seeds: a checkpoint shares the untrained control of '{entry['of']}': name it there"


def _train_problems(entry: Config, where: str, trained: dict[str, Config], numbers: Config) -> Iterator[str]:
    if ("train" in entry) == ("of" in entry):
        yield f"{where}: needs either 'train' (a specification) or 'of' and 'revision' (a checkpoint of another model)"
        return
    if "of" in entry:
        yield from _checkpoint_problems(entry, where, trained)
        return
    if "revision" in entry:
        yield f"{where}.revision: goes with 'of', not with 'train'"
    spec = entry["train"]
    if spec["hidden_size"] % (2 * spec["heads"]):
        yield f"{where}.train.heads: is {spec['heads']}, its double must divide hidden_size = {spec['hidden_size']}"
    late = [step for step in spec["checkpoints"] if step >= spec["steps"]]
    if late:
        steps = spec["steps"]
        yield f"{where}.train.checkpoints: {late} are not before the last step, which is always kept: steps = {steps}"
    if numbers["min"] != 0 or not 99 <= numbers["max"] <= 999:
        given = f"{numbers['min']}..{numbers['max']}"
        yield f"numbers: trained models need min 0 and max between 99 and 999, all single tokens (is {given})"


def _seeds_problems(entry: Config, where: str, config: Config) -> Iterator[str]:
    """Check that further trainings are measured."""
    seeds = entry.get("train", {}).get("seeds", 1)
    if seeds == 1:
        return
    measuring = measuring_seeds(config)
    own = entry.get("experiments", measuring)
    if not measuring:
        possible = " or ".join(name for name, declared in all_experiments().items() if declared.takes_seeds)
        yield (
            f"{where}.train.seeds: is {seeds}, but no experiment of the study measures further trainings: add "
            f"{possible} to the experiments, or leave seeds out"
        )
    elif not set(measuring) & set(own):
        left_out = " and ".join(measuring)
        yield f"{where}.train.seeds: is {seeds}, but the model's experiments leave out {left_out}: add it there"


def _checkpoint_problems(entry: Config, where: str, trained: dict[str, Config]) -> Iterator[str]:
    if entry["of"] not in trained:
        known = ", ".join(trained) or "none"
        yield f"{where}.of: '{entry['of']}' is not a model with a 'train' specification; those are: {known}"
        return
    revisions = [f"step-{step}" for step in trained[entry["of"]]["checkpoints"]]
    if entry.get("revision") not in revisions:
        saved = ", ".join(revisions) or "no checkpoint"
        yield f"{where}.revision: is {entry.get('revision')!r}, '{entry['of']}' saves {saved} (its train.checkpoints)"


def _context_problems(config: Config) -> Iterator[str]:
    yield from _duplicates(config["contexts"], "contexts")
    for entry in config["contexts"]:
        where = f"contexts['{entry['name']}']"
        if entry["name"] == VOCABULARY:
            yield f"{where}.name: '{VOCABULARY}' is reserved for the embedding matrices"
        yield from _reserved_problems(entry["name"], f"{where}.name")
        yield from _corpus_problems(entry, "corpus", where)
        if "corpus" in entry and "datasets" in entry:
            yield f"{where}.datasets: leave 'corpus' out, or name its file as the 'path' of an entry here"
        if entry["kind"] == "result" and config["numbers"]["min"] < config["numbers"]["max"]:
            yield from _arithmetic_problems(entry, config)
        for place, source in enumerate(entry.get("datasets", [])):
            yield from _dataset_problems(source, f"{where}.datasets[{place}]")


def _reserved_problems(name: str, where: str) -> Iterator[str]:
    """Check that a context does not stand where an experiment, of this study or of a later one, has files."""
    for experiment, declared in all_experiments().items():
        if name in declared.reserved_names:
            yield f"{where}: '{name}' is reserved for files of the experiment {experiment}"
        for ending in declared.reserved_endings:
            if name.endswith(ending):
                yield f"{where}: must not end in '{ending}', which is reserved for files of the experiment {experiment}"


def _arithmetic_problems(entry: Config, config: Config) -> Iterator[str]:
    """Check that worked examples and ranges of operands leave results to read."""
    numbers = config["numbers"]["min"], config["numbers"]["max"]
    try:
        arithmetic_examples(entry["name"], entry, numbers, entry.get("seed", config["seed"]))
    except NumprobeError as error:
        yield str(error)


def _corpus_problems(entry: Config, key: str, where: str) -> Iterator[str]:
    """Check that a file of texts exists and its first text can be read."""
    path = entry.get(key)
    if path is None:
        return
    if (problem := path_problem(path)) is not None:
        yield f"{where}.{key}: {problem}"
    elif not Path(path).is_file():
        yield f"{where}.{key}: the file {path} does not exist"
    else:
        # Heavy imports only if a study has a corpus.
        from numprobe.prompts.corpus import check_first_text

        try:
            check_first_text(path)
        except NumprobeError as error:
            yield f"{where}.{key}: {error}"


def _dataset_problems(source: Config, where: str) -> Iterator[str]:
    if ("id" in source) == ("path" in source):
        yield f"{where}: needs either 'id' (a dataset of the hub) or 'path' (a file)"
    elif "path" in source and set(source) & {"config", "revision", "text"}:
        yield f"{where}: 'config', 'revision' and 'text' go with 'id', a file has a column or key 'text'"
    elif "id" in source and not re.search(r"\{[^{}]+\}", source.get("text", "")):
        yield f"{where}.text: name the columns of {source['id']} that make a text, in braces, such as {{question}}"
    yield from _corpus_problems(source, "path", where)


def _probe_problems(config: Config) -> Iterator[str]:
    yield from _duplicates(config["probes"], "probes")
    yield from _duplicates(config["experiments"], "experiments")
    models = [entry["name"] for entry in config["models"]]
    contexts = [*(entry["name"] for entry in config["contexts"]), VOCABULARY]
    probes = [entry["name"] for entry in config["probes"]]
    folds = config["split"]["folds"] if config["split"]["scheme"] == "folds" else 1
    if not set(probes) - set(ITERATIVE):
        yield f"probes: names only {', '.join(probes)}; at least one closed-form probe is needed, such as fourier"
    for entry in config["probes"]:
        where = f"probes['{entry['name']}']"
        yield from unknown_names(entry.get("models", []), models, f"{where}.models", "models")
        yield from unknown_names(entry.get("contexts", []), contexts, f"{where}.contexts", "contexts")
        if entry["name"] == "mlp" and entry["published"]:
            yield f"{where}.published: is true, but there are no published settings of this probe"
        if entry.get("folds", 1) > folds:
            yield f"{where}.folds: is {entry['folds']}, but the split has {folds} fold(s)"
    for entry in config["experiments"]:
        yield from _settings_of_problems(entry, config["models"])
        if entry["name"] == "transfer" and entry["probe"] not in probes:
            yield f"experiments['transfer'].probe: '{entry['probe']}' is not among the probes: {', '.join(probes)}"


def _settings_of_problems(entry: Config, models: list[Config]) -> Iterator[str]:
    """Check that settings of single models belong to models that take part in the experiment."""
    where = f"experiments['{entry['name']}'].settings_of"
    experiments = {model["name"]: model.get("experiments", [entry["name"]]) for model in models}
    own = list(entry.get("settings_of", {}))
    yield from unknown_names(own, list(experiments), where, "models")
    for name in own:
        if entry["name"] not in experiments.get(name, [entry["name"]]):
            yield f"{where}: '{name}' takes no part: add '{entry['name']}' to its experiments, or leave it out here"


def _declared_problems(config: Config) -> Iterator[str]:
    """Yield the problems of experiments that are declared in their own folders."""
    for entry in config["experiments"]:
        if entry["name"] in experiment_names():
            yield from find_experiment(entry["name"]).problems(config, entry["name"])
