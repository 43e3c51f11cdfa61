"""Whole runs of the workflow on a tiny configuration."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest
import yaml

from workflow.conftest import Checkout
from workflow.scaled import SMALL_MANIPULATION

# One worker runs the study that these tests share.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("finished")]

BYTES = ["tables/**/*.parquet", "figures/*", "probes/**/*.safetensors", "activations/**/*.parquet", "prompts/*.parquet"]
BYTES += ["explorer.html"]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def edited(finished):
    """Edit files of the finished checkout; they are put back afterwards."""
    originals: dict[Path, str] = {}

    def edit(name: str, old: str, new: str) -> None:
        path = finished.folder / name
        originals.setdefault(path, path.read_text())
        replace_in(path, old, new)

    yield edit
    for path, text in originals.items():
        path.write_text(text)


def append(path: str, finished, edited, line: str) -> None:
    first = (finished.folder / path).read_text().splitlines()[-1]
    edited(path, first, f"{first}\n{line}")


def test_all_tables_and_figures_are_made(finished):
    results = finished.folder / "results"
    for table in ("accuracy", "chosen_layers", "transfer", "spectra", "examples", "composition"):
        assert pl.read_parquet(results / "tables" / f"{table}.parquet").height > 0
    for figure in (
        "summary",
        "overview",
        "accuracy",
        "controls",
        "other_probes",
        "digit_accuracy",
        "transfer",
        "spectra",
        "examples",
        "composition",
        "training",
    ):
        for ending in ("pdf", "png", "csv"):
            assert (results / "figures" / f"{figure}.{ending}").stat().st_size > 0


def test_every_model_context_and_control_is_in_the_table(finished):
    table = pl.read_parquet(finished.folder / "results/tables/accuracy.parquet")
    measured = table.filter(pl.col("value").is_not_null())
    pairs = set(measured.select("model", "context").unique().iter_rows())
    contexts = ("vocabulary", "number", "operand", "result", "natural")
    expected = {(model, context) for model in ("small", "small-step-2") for context in contexts}
    assert pairs == expected | {("encoder", context) for context in ("vocabulary", "number", "natural")}
    states = {"untrained", "untrained-2", "mixed"}
    assert set(measured["control"]) >= {"none", "shuffled", "gaussian", "constant"} | states
    two = measured.filter(pl.col("control") == "untrained-2")
    assert set(two["model"]) == {"encoder"}
    mixed = measured.filter(pl.col("control") == "mixed")
    assert set(mixed["model"]) == {"small", "small-step-2", "encoder"}
    assert set(mixed.filter(pl.col("model") == "small")["layer"]) == {"0", "1", "2", "final_norm"}
    assert set(measured.filter(pl.col("control") == "gaussian")["model"]) == {"small", "small-step-2"}
    assert set(measured["probe"]) >= {"fourier", "linear", "wave"}
    skipped = table.filter((pl.col("model") == "encoder") & (pl.col("context") == "result"))
    assert set(skipped.select("status", "note").iter_rows()) == {("not applicable", "encoder")}


def test_second_run_has_nothing_to_do(finished):
    assert finished.planned() == set()


def test_a_comment_reruns_nothing(finished, edited):
    append("src/numprobe/probes/closed_form.py", finished, edited, "# a comment")
    append("src/numprobe/draw/spectra.py", finished, edited, "# a comment")
    assert finished.planned() == set()


def test_a_change_of_a_figure_reruns_this_figure_alone(finished, edited):
    append("src/numprobe/draw/spectra.py", finished, edited, "CHANGED = True")
    assert finished.planned() == {"plot_spectra", "all"}


def test_library_code_of_a_stage_reruns_that_stage_and_what_follows(finished, edited):
    append("src/numprobe/probes/closed_form.py", finished, edited, "CHANGED = True")
    planned = finished.planned()
    assert {
        "fit_probes",
        "fit_probes_without_controls",
        "evaluate_probes",
        "evaluate_transfer",
        "plot_accuracy",
    } <= planned
    earlier = (
        "make_prompts",
        "train_model",
        "extract",
        "describe",
        "plot_training",
        "plot_spectra",
        "evaluate_spectra",
    )
    assert not [rule for rule in planned if rule.startswith(earlier)]


def test_seed_of_one_context_reruns_only_what_depends_on_it(finished, edited):
    edited(
        "tiny.yaml",
        "{name: operand, kind: operand, per_value: 2}",
        "{name: operand, kind: operand, per_value: 2, seed: 7}",
    )
    plan = finished.snakemake("--dry-run")
    text = plan.stdout + plan.stderr
    planned = finished.planned()
    assert {
        "make_prompts",
        "extract_activations_small",
        "fit_probes",
        "evaluate_probes",
        "evaluate_transfer",
    } <= planned
    assert not {"train_model_small", "describe_model", "evaluate_spectra", "plot_training"} & planned
    made = [line.split("output: ")[1] for line in text.splitlines() if "output: results/activations" in line]
    assert made
    assert all("/operand/" in line for line in made)


def test_experiments_on_manipulation_run_on_models_that_answer_nothing_rightly(finished, tmp_path):
    study = Checkout(shutil.copytree(finished.folder, tmp_path / "checkout"))
    experiments = yaml.safe_load((study.folder / "tiny.yaml").read_text())["experiments"]
    asking = [{"name": name, **size} for name, size in SMALL_MANIPULATION.items()]
    # The precision of operands is that of their embeddings.
    embeddings = {"name": "embedding_probes", "folds": 4, "iterative": []}
    study.configure(experiments=[*experiments, embeddings, *asking])
    study.snakemake("manipulation_figures")
    tables = {path.stem: pl.read_parquet(path) for path in (study.folder / "results/tables").glob("*.parquet")}
    for name in SMALL_MANIPULATION:
        assert set(tables[name].filter(pl.col("value").is_not_null())["model"]) == {"small", "small-step-2"}
        assert "encoder" in tables[name].filter(model="encoder", status="not applicable")["note"].to_list()
        assert list((study.folder / "results/figures").glob(f"{name}*.png"))
    page = (study.folder / "results/manipulation.md").read_text()
    assert page.count("\n## ") == 1 + len(SMALL_MANIPULATION)
    assert page.index("\n## ") == page.index("\n## Claims")
    assert study.planned("manipulation_figures") == set()


def test_the_explorer_holds_every_table_of_the_default_study(finished):
    page = (finished.folder / "results/explorer.html").read_text()
    tables = {"accuracy", "chosen_layers", "transfer", "spectra", "examples", "composition"}
    assert set(re.findall(r'id="packed-(\w+)"', page)) == tables
    assert len(page.encode()) < 5_000_000


def test_the_lens_is_a_target_of_its_own_that_reads_models_and_probes_alone(finished):
    planned = finished.planned("lens")
    pages = {"write_lens_small", "write_lens_small-step-2", "write_lens_encoder", "write_lens_index"}
    assert planned == {"lens", *pages}
    finished.snakemake("lens")
    folder = finished.folder / "results" / "lens"
    assert {page.parent.name for page in folder.glob("*/pens.html")} == {"small", "small-step-2", "encoder"}
    index = (folder / "index.html").read_text()
    assert all((folder / link).is_file() for link in re.findall(r'href="(.*?)"', index)) and "small/pens.html" in index
    assert finished.planned() == set()
    for page in folder.rglob("*.html"):
        page.unlink()


def test_report_opens_without_a_network(finished):
    finished.snakemake("--report", "results/report.html")
    report = (finished.folder / "results/report.html").read_text()
    assert len(report) > 1_000_000
    assert "01. Explorer" in report and "explorer.html" in report
    assert not [line for line in report.splitlines() if '<script src="http' in line or '<link href="http' in line]


def test_a_killed_run_resumes_to_the_same_bytes(finished, checkout):
    process = subprocess.Popen(
        checkout.command(),
        cwd=checkout.folder,
        env=checkout.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(checkout.folder / "results/activations/small/natural", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    checkout.snakemake("--unlock")
    checkout.snakemake()
    assert checkout.planned() == set()
    assert not list((checkout.folder / "results").rglob("*.partial"))
    resumed, whole = checkout.results(*BYTES), finished.results(*BYTES)
    assert resumed.keys() == whole.keys()
    assert [name for name in whole if resumed[name] != whole[name]] == []


def wait_for(path: Path, process: subprocess.Popen) -> None:
    """Wait until a process has made a path, however slow the machine is."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.05)
    assert path.exists()


def test_a_truncated_file_is_refused_by_name(finished):
    """What a user does to a file by hand is noticed by the program that reads it."""
    folder = finished.folder / "results/activations/small/number"
    state = folder / "residual-1.parquet"
    content = state.read_bytes()
    state.write_bytes(content[: len(content) // 2])
    try:
        result = subprocess.run(
            [*program(finished, "fit_probes"), "--activations", str(folder), "--output", "x", *SPLIT],
            cwd=finished.folder,
            env=finished.environment(),
            capture_output=True,
            text=True,
        )
    finally:
        state.write_bytes(content)
    assert result.returncode == 1
    assert "residual-1.parquet" in result.stderr
    assert "Traceback" not in result.stderr


SPLIT = "--probes fourier --split results/split.json".split()


def program(finished, name: str) -> list[str]:
    return [finished.command()[0], str(finished.folder / "scripts" / f"{name}.py")]


def test_stale_code_is_refused(finished):
    result = subprocess.run(
        [*program(finished, "collect_tables"), "--digest", "0000", "--tables", "x", "--output", "y"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "changed while the workflow was running" in result.stderr
