"""The page of claims and the files behind it."""

import subprocess
from pathlib import Path

import pytest
from claims_files import check_committed, claim_files, claims_commit, groups_of_experiments
from document_claims import document

from numprobe.errors import NumprobeError

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_files():
    assert document() == (ROOT / "docs/claims.md").read_text(), "run workflow/document_claims.py > docs/claims.md"


def test_the_commit_of_claims_outside_of_git_is_unknown(tmp_path):
    assert claim_files(tmp_path) == [str(tmp_path / "config/claims.yaml")]
    assert claims_commit(tmp_path) == "unknown (not in git)"


def test_a_confirmatory_run_needs_committed_claims(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "config").mkdir()
    (tmp_path / "config/claims.yaml").write_text("claims: []")
    with pytest.raises(NumprobeError, match="commit them before"):
        check_committed(tmp_path)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Claim nothing"]):
        subprocess.run([*git, *command], check=True)
    claims_commit.cache_clear()
    check_committed(tmp_path)
    assert 7 <= len(claims_commit(tmp_path)) <= 12
    (tmp_path / "config/claims.yaml").write_text("choices: []")
    claims_commit.cache_clear()
    with pytest.raises(NumprobeError, match="changed since"):
        check_committed(tmp_path)


def test_every_experiment_has_a_group_in_the_order_of_the_pages():
    groups = groups_of_experiments(["accuracy"])
    assert groups["accuracy"] == groups["composition"] == "main"
    assert list(dict.fromkeys(groups.values()))[:3] == ["main", "representation", "manipulation"]


def test_a_wrong_claim_stops_the_run_before_the_first_job(checkout):
    file = checkout.folder / "config/claims.yaml"
    file.write_text(file.read_text().replace("expect: not lower", "expect: nicer", 1))
    told = checkout.snakemake("--dry-run", check=False)
    assert told.returncode == 1
    assert "config/claims.yaml: claims.0.expect" in told.stdout + told.stderr
