"""Another workflow imports this one as a module, from the folder, from a local git URL and from a hosted repository."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from workflow.conftest import copy_parts, save_tiny_encoder

TINY = Path(__file__).parent / "tiny.yaml"
MODULE = """
configfile: "config.yaml"


module numprobe:
    snakefile:
        {snakefile}
    config:
        config["study"]
    {prefix}


use rule * from numprobe as numprobe_*


use rule plot_accuracy from numprobe as numprobe_plot_accuracy with:
    log:
        "other.log",

"""
OWN_TARGET = """

rule mine:
    default_target: True
    input:
        rules.numprobe_all.input,
    output:
        "mine.txt",
    shell:
        "echo mine > {output}"
"""


@dataclass(frozen=True)
class Importing:
    """A workflow that imports a repository of ours."""

    folder: Path
    repository: Path
    commit: str

    def write(self, snakefile: str, prefix: str = "", further: str = OWN_TARGET) -> None:
        (self.folder / "Snakefile").write_text(MODULE.format(snakefile=snakefile, prefix=prefix) + further)

    def snakemake(self, *options: str) -> subprocess.CompletedProcess[str]:
        hosted = {"KEY_0": f"url.file://{self.repository}/.insteadOf", "VALUE_0": "https://github.com/owner/numprobe"}
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "GIT_CONFIG_COUNT": "1",
            **{f"GIT_CONFIG_{key}": value for key, value in hosted.items()},
        }
        # The library must come from the repository, whatever is installed.
        environment.pop("PYTHONPATH", None)
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *options]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def plan(self, *targets: str) -> str:
        done = self.snakemake("--dry-run", "--printshellcmds", *targets)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> tuple[Path, str]:
    """A git repository with the files of this checkout, and its commit."""
    folder = tmp_path_factory.mktemp("ours") / "numprobe"
    copy_parts(folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "All")
    return folder, git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def importing(tmp_path, repository) -> Importing:
    study = yaml.safe_load(TINY.read_text())
    study["models"] = [model for model in study["models"] if model["source"] == "train"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"study": study}))
    return Importing(tmp_path, *repository)


def test_a_local_git_url_plans_the_whole_study_under_a_prefix(importing):
    importing.write(f'"git+file://{importing.repository}/workflow/Snakefile@main"', 'prefix: "numbers"')
    planned = importing.plan("mine", "numprobe_lens")
    assert "numprobe_extract_activations_small-step-2" in planned
    assert "output: numbers/results/findings.md" in planned
    assert "output: mine.txt" in planned
    assert "log: other.log" in planned
    # What programs are told is moved too.
    assert "--activations numbers/results/activations" in planned
    assert not re.search(r"(?<!numbers/)\bresults/", planned)


def test_an_address_that_leads_to_single_files_is_refused_with_what_to_write(importing):
    handler = partial(SimpleHTTPRequestHandler, directory=importing.repository)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        importing.write(f'"http://127.0.0.1:{server.server_port}/workflow/Snakefile"')
        done = importing.snakemake("--dry-run")
        server.shutdown()
    assert done.returncode == 1
    assert "name a folder, or a repository as github(" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_hosted_repository_is_checked_out_and_its_first_rules_find_the_users_own_files(importing):
    config = yaml.safe_load((importing.folder / "config.yaml").read_text())
    save_tiny_encoder(importing.folder / "encoder")
    # Texts that differ in their numbers alone belong to one part of the split.
    notes = (f"{chr(65 + n // 10)}{chr(97 + n % 10)} sold {n} of {n + 1} eggs.\n" for n in range(99))
    (importing.folder / "notes.txt").write_text("".join(notes))
    study = config["study"]
    study["models"].append({"name": "encoder", "source": "path", "path": "encoder", "contexts": ["notes"]})
    study["contexts"].append({"name": "notes", "kind": "natural", "corpus": "notes.txt", "texts": 60})
    (importing.folder / "config.yaml").write_text(yaml.safe_dump(config))
    hosted = 'github("owner/numprobe", path="workflow/Snakefile", branch="main")'
    importing.write(hosted, 'prefix: "numbers"', further="")

    assert "numprobe_default" in importing.plan()
    (checkout,) = importing.folder.glob("cache/snakemake/snakemake/source-cache/numprobe/*")
    assert checkout.name == importing.commit

    # A model that the workflow makes, and one of the user's, in texts of the user's.
    made = ["numbers/results/cards/small-step-2.json", "numbers/results/activations/encoder/notes/manifest.json"]
    done = importing.snakemake(*made)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert all((importing.folder / file).is_file() for file in made)
    assert not (importing.folder / "results").exists()
