"""The command `numprobe`: study or configure a model, read or show a text, publish probes, verify a study."""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from numprobe import __version__
from numprobe.errors import NumprobeError
from numprobe.models.entry import find_model, find_source
from numprobe.names import path_problem
from numprobe.probes.published import locate
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
    read.add_argument(
        "probe", metavar="PROBE", help="a probe file, results/probes/.../*.safetensors; a folder; ORG/NAME"
    )
    read.add_argument("model", metavar="MODEL", help="id on the Hugging Face hub, or a local folder")
    read.add_argument("text", metavar="TEXT", help="the text to read")
    read.add_argument("--revision", help="branch, tag or commit on the hub")
    read.add_argument("--context", help="which probe of a folder or of ORG/NAME: its context")
    read.add_argument("--kind", help="which probe of a folder or of ORG/NAME: its kind (default: fourier)")
    read.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    read.add_argument("--no-check", action="store_true", help="use the probe on a model that it was not fitted on")
    read.set_defaults(command=_read)
    study = commands.add_parser(
        "study",
        help="run a small study of one model, from its name to its report",
        description="Write the configuration of a small study of one model, show its plan, and run it: probes, tables, "
        "figures and a report.",
    )
    study.add_argument("id", metavar="MODEL", help="id on the Hugging Face hub, a local folder or a GGUF file")
    study.add_argument("--revision", help="branch, tag or commit on the hub; the study reads the commit that it names")
    study.add_argument("--name", help="name in the study (default: the last part of MODEL)")
    study.add_argument(
        "--contexts",
        nargs="+",
        metavar="CONTEXT",
        help="number (bare numbers), operand (the first number of a + b), natural (built-in passages), result (the "
        "answer to a + b), or files with texts of your own: .txt, .jsonl, .parquet (default: number operand natural)",
    )
    study.add_argument("--out", metavar="DIR", type=Path, help="folder of the study (default: numprobe-NAME)")
    study.add_argument("--device", default="auto", help="auto (a GPU if there is one), cpu, cuda or cuda:N")
    study.add_argument("--cores", metavar="N", type=int, help="cores to use (default: all)")
    study.add_argument("--dry-run", action="store_true", help="show the plan alone, and write nothing")
    study.set_defaults(command=_study)
    summary = commands.add_parser("summary", help="tell the main reading of a study, and where its report lies")
    summary.add_argument("path", metavar="RESULTS", nargs="?", type=Path, default=Path("results"), help="its folder")
    summary.set_defaults(command=_summary)
    publish = commands.add_parser("publish", help="upload the probes of a model, with a card, to the Hugging Face hub")
    publish.add_argument("probes", metavar="PROBES", type=Path, help="results/probes/MODEL of a finished study")
    publish.add_argument("id", metavar="ID", help="repository on the hub, ORG/NAME; it is made if it is not there")
    publish.add_argument("--dry-run", metavar="OUT", type=Path, help="write the folder OUT, and upload nothing")
    publish.add_argument("--licence", default="mit", help="licence of the probes, by the hub's name for it")
    publish.add_argument("--private", action="store_true", help="make a new repository private")
    publish.add_argument("--folds", action="store_true", help="publish the probes of single folds too")
    publish.set_defaults(command=_publish)
    probes = commands.add_parser("probes", help="list the probes on the hub that this machine has published or loaded")
    probes.set_defaults(command=_probes)
    lens = commands.add_parser("lens", help="show what a probe reads at every token and layer of a text, as a page")
    lens.add_argument("model", metavar="MODEL", nargs="?", help="id on the Hugging Face hub, or a local folder")
    lens.add_argument("probe", metavar="PROBE", nargs="?", help="a probe file, results/probes/MODEL, or ORG/NAME")
    lens.add_argument("text", metavar="TEXT", nargs="?", help="the text to show, at most 2,000 characters")
    lens.add_argument(
        "--serve", metavar="RESULTS", nargs="?", type=Path, const=Path("results"), help="a text box for a whole study"
    )
    lens.add_argument("--port", type=int, default=7860, help="port of --serve (default: 7860)")
    lens.add_argument("--context", help="which probe of a folder or of ORG/NAME: its context")
    lens.add_argument("--kind", help="which probe of a folder or of ORG/NAME: its kind (default: fourier)")
    lens.add_argument("--answer", type=int, help="right answer to the text (default: that of `12 + 30 =` at its end)")
    lens.add_argument("--answer-probe", type=Path, metavar="PROBE", help="a probe of results, which reads the answer")
    lens.add_argument("--control", action="append", default=[], help="untrained or mixed: show this control too")
    lens.add_argument("--output", type=Path, default=Path("lens.html"), help="the page (default: lens.html)")
    lens.add_argument("--no-open", action="store_true", help="do not open the page in a browser")
    lens.add_argument("--levels", type=Path, help="measured levels, results/lens/MODEL/levels.json (default: measure)")
    lens.add_argument("--revision", help="branch, tag or commit on the hub")
    lens.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    lens.add_argument("--no-check", action="store_true", help="use the probe on a model that it was not fitted on")
    lens.set_defaults(command=_lens)
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


def _add_model(options: argparse.Namespace) -> None:
    found = find_model(options.id, options.minimum, options.maximum, options.revision, options.name)
    stored = ", ".join(f"{count} of type {kind}" for kind, count in found.tensors.items())
    comments = _comments(found.told, options)
    _print_entry(found.entry, [*comments, f"tensors: {stored}"] if stored else comments)


def _print_entry(entry: dict[str, Any], comments: list[str]) -> None:
    """Print an entry to paste under `models`."""
    if "path" in entry and (problem := path_problem(entry["path"])) is not None:
        raise NumprobeError(problem)
    text = yaml.safe_dump([entry], sort_keys=False, width=10**6)
    # Comments show tokens, which may hold line breaks.
    print(indent(text + "".join(f"  # {' '.join(line.split())}\n" for line in comments), "  "), end="")


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
    probe_file = locate(options.probe, options.context, options.kind, None)
    if not probe_file.is_file():
        raise NumprobeError(f"{options.probe} does not exist: name a probe file, results/probes/.../*.safetensors")
    # Heavy imports only after the files are known to exist.
    import polars as pl

    from numprobe.models.load import load_model, load_tokenizer
    from numprobe.probes.probe import load_probe
    from numprobe.reasons import describe_reading

    source = find_source(options.model, options.revision)
    model: Any = load_model(source, device=options.device)
    tokenizer = load_tokenizer(source)
    probe = load_probe(probe_file, model=model, tokenizer=tokenizer, check=not options.no_check)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        table = probe.read(model, tokenizer, options.text)
        print(f"{table}\n{describe_reading(table)}" if table.height else "the text holds no number in digits")


def _study(options: argparse.Namespace) -> None:
    from numprobe.quick_study.command import run_study

    run_study(options)


def _summary(options: argparse.Namespace) -> None:
    from numprobe.tell.closing import closing_lines

    print(*closing_lines(options.path), sep="\n")


def _publish(options: argparse.Namespace) -> None:
    from numprobe.publish.folder import write_folder
    from numprobe.publish.study import probes_of_study
    from numprobe.publish.upload import check_id, publish

    check_id(options.id)
    probes = probes_of_study(options.probes, options.folds)
    if options.dry_run is None:
        print(publish(probes, options.id, options.licence, options.private))
        return
    write_folder(probes, options.dry_run, options.id, options.licence)
    print(f"{options.dry_run} holds what would be uploaded to {options.id}; README.md is its card")


def _probes(options: argparse.Namespace) -> None:
    from numprobe.probes.registry import known_probes, registry_path

    entries = known_probes()
    if not entries:
        print(f"no probe of the hub was published or loaded here yet ({registry_path()} does not exist)")
    for entry in entries:
        numbers = f"{entry.get('minimum')}..{entry.get('maximum')}"
        print(f"{entry['id']}: model {entry.get('model')}, numbers {numbers}, revision {entry.get('revision')}")
        for context, kinds in entry.get("probes", {}).items():
            print(f"  {context}: {', '.join(kinds)}")


def _lens(options: argparse.Namespace) -> None:
    if options.serve is not None:
        _serve(options)
        return
    if options.text is None:
        raise NumprobeError("name a MODEL, a PROBE and a TEXT, or a study with --serve RESULTS")
    probe = locate(options.probe, options.context, options.kind, None)
    if not probe.is_file():
        raise NumprobeError(f"{options.probe} does not exist: name a probe file, results/probes/.../*.safetensors")
    source = find_source(options.model, options.revision)
    # Heavy imports only after what can be checked without them.
    from numprobe.lens.command import Lens, write_lens

    check = not options.no_check
    lens = Lens(source, probe, options.control, options.answer_probe, options.device, check, options.levels)
    write_lens(lens, options.text, options.answer, options.output, lambda line: print(line, file=sys.stderr))
    print(options.output)
    if not options.no_open:
        webbrowser.open(options.output.resolve().as_uri())


def _serve(options: argparse.Namespace) -> None:
    if options.model is not None:
        raise NumprobeError("--serve takes the models and probes of a study: leave MODEL, PROBE and TEXT out")
    from numprobe.lens.serve import serve

    def ready(address: str) -> None:
        print(f"{address} (Ctrl+C ends it)", flush=True)
        if not options.no_open:
            webbrowser.open(address)

    serve(options.serve, options.port, options.device, ready)


def _verify(options: argparse.Namespace) -> None:
    from numprobe.verify import report_damage

    checked, found = report_damage(options.path)
    if found:
        raise NumprobeError(f"{found} of {checked} files cannot be used: follow the remedies in the table")
    print(f"{checked} files match their checksums")


if __name__ == "__main__":
    sys.exit(main())
