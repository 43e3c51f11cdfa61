"""The page of claims and the files behind it."""

from pathlib import Path

from claims_files import claim_files, claims_commit, groups_of_experiments
from document_claims import document

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_files():
    assert document() == (ROOT / "docs/claims.md").read_text(), "run workflow/document_claims.py > docs/claims.md"


def test_the_commit_of_claims_outside_of_git_is_unknown(tmp_path):
    assert claim_files(tmp_path) == [str(tmp_path / "config/claims.yaml")]
    assert claims_commit(tmp_path) == "unknown (not in git)"


def test_every_experiment_has_a_group_in_the_order_of_the_pages():
    groups = groups_of_experiments(["accuracy"])
    assert groups["accuracy"] == groups["composition"] == "main"
    assert list(dict.fromkeys(groups.values()))[:3] == ["main", "representation", "manipulation"]
