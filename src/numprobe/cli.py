"""The command `numprobe`: configure a model, read the numbers of a text with a fitted probe, or verify a study."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from numprobe import __version__
from numprobe.errors import NumprobeError
from numprobe.models.facts import ModelFacts, model_width
from numprobe.models.source import ModelSource, check_hub_weights, hub_files, resolve_source
from numprobe.names import path_problem, study_name
from numprobe.texts import check_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return the exit status; it is 1 after a `NumprobeError`."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        for place, argument in enumerate(given, 1):
            check_text(argument, f"argument {place}")
        options = _parser().parse_args(given)
        options.command(options)
    except NumprobeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="numprobe", description=__doc__)
    parser.add_argument("--version", action="version", version=f"numprobe {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add-model", help="print the entry of a model for the configuration")
    add.add_argument("id", metavar="ID", help="id on the Hugging Face hub (org/model), a local folder or GGUF file")
    add.add_argument("--revision", help="branch, tag or commit on the hub; the commit that it names is printed")
    add.add_argument("--name", help="name in the study (default: the last part of ID)")
    add.add_argument("--minimum", type=int, default=0, help="smallest number of the study")
    add.add_argument("--maximum", type=int, default=999, help="largest number of the study")
    add.set_defaults(command=_add_model)
    explain = commands.add_parser("explain", help="show what an experiment needs, which jobs it adds and what it makes")
    explain.add_argument("experiment", metavar="EXPERIMENT", help="name of the experiment")
    explain.set_defaults(command=_explain)
    read = commands.add_parser("read", help="decode the numbers of a text with a fitted probe")
    read.add_argument("probe", metavar="PROBE", type=Path, help="a probe file, results/probes/.../*.safetensors")
    read.add_argument("model", metavar="MODEL", help="id on the Hugging Face hub, or a local folder")
    read.add_argument("text", metavar="TEXT", help="the text to read")
    read.add_argument("--revision", help="branch, tag or commit on the hub")
    read.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    read.add_argument("--no-check", action="store_true", help="use the probe on a model that it was not fitted on")
    read.set_defaults(command=_read)
    verify = commands.add_parser("verify", help="compare the files of a study with their checksums")
    verify.add_argument("path", metavar="PATH", nargs="?", type=Path, default=Path("results"), help="folder or file")
    verify.set_defaults(command=_verify)
    return parser


def _explain(options: argparse.Namespace) -> None:
    from numprobe.experiments.explain import explain
    from numprobe.experiments.find import experiment_names, find_experiment

    if options.experiment not in experiment_names():
        known = ", ".join(experiment_names())
        raise NumprobeError(
            f"no experiment named {options.experiment} has a folder of its own; those are {known}. "
            "docs/experiments.md and docs/manipulation.md define all"
        )
    print(explain(options.experiment, find_experiment(options.experiment)))


def _source(id: str, revision: str | None) -> ModelSource:
    """Return a local folder if there is one of that name, else a model of the hub."""
    if _is_gguf(id):
        raise NumprobeError(f"{id} is a GGUF file: name the folder that it is converted to, results/models/NAME")
    if not Path(id).expanduser().is_dir():
        return ModelSource("hub", id=id, revision=revision)
    if revision is not None:
        raise NumprobeError(f"{id} is a local folder, which has no revisions: leave --revision out")
    return ModelSource("path", path=id)


def _is_gguf(id: str) -> bool:
    """Return whether a model is given as a local GGUF file."""
    return id.endswith(".gguf") or Path(id).expanduser().is_file()


def _add_model(options: argparse.Namespace) -> None:
    if _is_gguf(options.id):
        _add_gguf(options)
        return
    source = _source(options.id, options.revision)
    if source.kind == "hub":
        # Resolve the commit first, so that all files are of one revision; the weights are not needed yet.
        commit, files = hub_files(options.id, options.revision)
        check_hub_weights(options.id, files)
        source = ModelSource("hub", id=options.id, revision=commit)
    folder = resolve_source(source, weights=source.kind != "hub").folder
    if source.kind == "hub":
        check_hub_weights(options.id, files, folder)
    from numprobe.models.check import check_architecture
    from numprobe.models.load import load_tokenizer
    from numprobe.models.vocabulary_size import check_vocabulary, matrix_rows

    facts, config = check_architecture(folder)
    tokenizer = load_tokenizer(source)
    check_vocabulary(tokenizer, matrix_rows(folder, config))
    told = _numbers(tokenizer, options)
    entry = _entry(options, source, facts, model_width(config))
    single = {"single_tokens": told["single_token_numbers"]["count"]} if source.kind == "hub" else {}
    _print_entry(entry | single, _comments(told, options))


def _add_gguf(options: argparse.Namespace) -> None:
    from numprobe.models.gguf.architecture import count_types, read_known_model

    if options.revision is not None:
        raise NumprobeError(f"{options.id} is a file, which has no revisions: leave --revision out")
    header = read_known_model(Path(options.id).expanduser())
    from numprobe.models.gguf.tokenizer import read_tokenizer

    stored = ", ".join(f"{count} of type {kind}" for kind, count in count_types(header).items())
    told = _numbers(read_tokenizer(header.path), options)
    comments = [*_comments(told, options), f"tensors: {stored}"]
    _print_entry({"name": _name(options, header.path.stem), "source": "gguf", "path": options.id}, comments)


def _print_entry(entry: dict[str, Any], comments: list[str]) -> None:
    """Print an entry to paste under `models`."""
    if "path" in entry and (problem := path_problem(entry["path"])) is not None:
        raise NumprobeError(problem)
    text = yaml.safe_dump([entry], sort_keys=False, width=10**6)
    # Comments show tokens, which may hold line breaks.
    print(indent(text + "".join(f"  # {' '.join(line.split())}\n" for line in comments), "  "), end="")


def _name(options: argparse.Namespace, found: str) -> str:
    """Return the given name, or the valid name nearest to the model's own."""
    if options.name is None:
        return study_name(found)
    if options.name != study_name(options.name):
        raise NumprobeError(f"--name {options.name!r} cannot name a model: use {study_name(options.name)}")
    return str(options.name)


def _entry(options: argparse.Namespace, source: ModelSource, facts: ModelFacts, width: int | None) -> dict[str, Any]:
    """Return the entry of the configuration. It holds facts only for hub models; others are inspected."""
    name = _name(options, Path(options.id).expanduser().resolve().name)
    if source.kind == "path":
        return {"name": name, "source": "path", "path": source.path}
    # A model without an output matrix has no second matrix to read, like a tied one.
    tied = facts.tied or not facts.unembedding
    told = {"encoder": (facts.encoder, False), "tied": (tied, True), "final_norm": (facts.final_norm, True)}
    unusual = {key: value for key, (value, usual) in told.items() if value != usual}
    located = {"name": name, "source": "hub", "id": source.id, "revision": source.revision}
    return {**located, "n_layers": facts.layers, **({"width": width} if width else {}), **unusual}


def _numbers(tokenizer: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Describe how a model writes the numbers of the study."""
    from numprobe.models.card import describe_numbers
    from numprobe.models.tokens import NumberTokenizer

    return describe_numbers(NumberTokenizer(tokenizer), options.minimum, options.maximum)


def _comments(told: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """Return a sentence on which experiments apply, and details on the numbers."""
    from numprobe.models.card import writing_sentence

    single = told["single_token_numbers"]
    ranges = [f"{first}..{last}" if last > first else str(first) for first, last in single["ranges"]]
    shown = ", ".join(ranges[:8]) + (f", and {len(ranges) - 8} more ranges" if len(ranges) > 8 else "")
    cut = "; ".join(f"{value} = {' | '.join(pieces)}" for value, pieces in told["multi_token_examples"].items())
    return [
        writing_sentence(told, options.minimum, options.maximum),
        f"{single['count']} of {options.minimum}..{options.maximum} are single tokens: {shown or 'none'}",
        f"several tokens: {cut}",
        f"the space before a number: {told['leading_space']}",
    ]


def _read(options: argparse.Namespace) -> None:
    if not options.probe.is_file():
        raise NumprobeError(f"{options.probe} does not exist: name a probe file, results/probes/.../*.safetensors")
    # Heavy imports only after the files are known to exist.
    import polars as pl

    from numprobe.models.load import load_model, load_tokenizer
    from numprobe.probes.probe import load_probe
    from numprobe.reasons import describe_reading

    source = _source(options.model, options.revision)
    model: Any = load_model(source, device=options.device)
    tokenizer = load_tokenizer(source)
    probe = load_probe(options.probe, model=model, tokenizer=tokenizer, check=not options.no_check)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        table = probe.read(model, tokenizer, options.text)
        print(f"{table}\n{describe_reading(table)}" if table.height else "the text holds no number in digits")


def _verify(options: argparse.Namespace) -> None:
    from numprobe.verify import report_damage

    checked, found = report_damage(options.path)
    if found:
        raise NumprobeError(f"{found} of {checked} files cannot be used: follow the remedies in the table")
    print(f"{checked} files match their checksums")


if __name__ == "__main__":
    sys.exit(main())
