"""Every experiment's folder holds what its declaration promises, and depends on no other experiment."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from config_schema import config_schema

from numprobe.experiments.declare import settings_schema
from numprobe.experiments.explain import explain
from numprobe.experiments.find import FOLDER, all_experiments

EXPERIMENTS = all_experiments()
ROOT = Path(__file__).parents[2]
WORKFLOW_FILES = [
    ROOT / "Snakefile",
    *(ROOT / "workflow").glob("*.py"),
    *(ROOT / "workflow/rules").glob("*.smk"),
    *(ROOT / "scripts").glob("*.py"),
]
STAGES = {path.parent.name for path in (ROOT / "src/numprobe").glob("*/__init__.py")}


@pytest.fixture(params=EXPERIMENTS)
def name(request):
    return request.param


def test_jobs_and_figures_are_functions_of_the_folder(name):
    experiment = EXPERIMENTS[name]
    for job in experiment.jobs:
        assert callable(getattr(import_module(f"numprobe.experiments.{name}.{job.module}"), job.name))
    for figure in experiment.figures:
        assert callable(getattr(import_module(f"numprobe.experiments.{name}.figure"), figure.name))
        assert (FOLDER / name / f"{figure.name}.rst").read_text().startswith(("**", "{%"))
    if experiment.group != "main":
        assert callable(import_module(f"numprobe.experiments.{name}.findings").section)


def test_tables_join_outputs_of_jobs(name):
    experiment = EXPERIMENTS[name]
    jobs = {job.name: job for job in experiment.jobs}
    for table, joined in experiment.tables.items():
        assert callable(joined) or all({table, "table"} & set(jobs[job].outputs) for job in joined)


def test_every_setting_has_a_description_and_is_used(name):
    experiment = EXPERIMENTS[name]
    settings = settings_schema(experiment.settings)
    assert all(definition.get("description") for definition in settings.values())
    used = {key for job in experiment.jobs for key in (*job.settings, *job.values)}
    assert set(experiment.by_model) <= set(settings)
    assert not settings or used


def test_experiments_import_no_other_experiment(name):
    for file in (FOLDER / name).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            imported = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            others = [module.split(".")[2] for module in imported if module.startswith("numprobe.experiments.")]
            assert not {other for other in others if other in EXPERIMENTS and other != name}, file


def test_declarations_import_nothing_heavy(name):
    text = (FOLDER / name / "experiment.py").read_text()
    assert not {"torch", "numpy", "polars", "measure", "figure", "findings"} & {
        part
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module
        for part in node.module.split(".")
    }


def test_the_schema_of_configurations_has_its_settings(name):
    keys = config_schema()["$defs"][f"{name}_experiment"]["properties"]
    assert set(settings_schema(EXPERIMENTS[name].settings)) <= set(keys)


def test_only_its_folder_and_the_configurations_name_it(name):
    """Names of stages, which some experiments have too, are left out: the file of rules of a stage has its name."""
    if name in STAGES:
        return
    named = re.compile(rf"\b{name}\b")
    assert [str(file) for file in WORKFLOW_FILES if named.search(file.read_text())] == []


def test_what_lies_beside_files_of_contexts_is_reserved(name):
    text = (FOLDER / name / "experiment.py").read_text()
    folders = re.findall(r"results/\w+/{+model}+/(\w+)[/\"]", text)
    endings = re.findall(r"results/\w+/{+model}+/{+context}+(\.\w+)[/.\"]", text)
    assert set(folders) == set(EXPERIMENTS[name].reserved_names)
    assert set(endings) - {".parquet", ".safetensors"} == set(EXPERIMENTS[name].reserved_endings)


def test_it_is_explained(name):
    text = explain(name, EXPERIMENTS[name])
    assert all(job.name in text for job in EXPERIMENTS[name].jobs)
    assert str(FOLDER / name) in text
