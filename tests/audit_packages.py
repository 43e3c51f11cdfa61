"""Ask for known vulnerabilities of the packages in requirements.txt (`make audit`).

Exits 1 if there are any, and 2 if a package could not be looked up: without a network nothing is known.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def judge(report: dict[str, Any]) -> tuple[int, str]:
    """Return the exit status and what is told of a report of pip-audit.

    Parameters
    ----------
    report
        What `pip-audit --format json` printed.
    """
    packages = report["dependencies"]
    unknown = [entry["name"] for entry in packages if "skip_reason" in entry]
    known = [
        f"{entry['name']} {entry['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
        for entry in packages
        for found in entry.get("vulns", [])
    ]
    lines = [f"{len(packages) - len(unknown)} of {len(packages)} packages were looked up", *known]
    if unknown:
        first = ", ".join(unknown[:3])
        lines.append(
            f"error: no answer about {len(unknown)} packages ({first}, ...), so nothing is known of them: run this "
            "where PyPI can be reached"
        )
    elif not known:
        lines.append("no known vulnerabilities")
    return (1 if known else 2 if unknown or not packages else 0), "\n".join(lines)


def audit(python: str) -> tuple[int, str]:
    """Return the exit status and what is told, with the pip-audit of a Python."""
    options = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command = [python, "-m", "pip_audit", *options, "-r", str(ROOT / "requirements.txt")]
    ran = subprocess.run(command, capture_output=True, text=True)
    try:
        return judge(json.loads(ran.stdout))
    except (json.JSONDecodeError, KeyError):
        last = (ran.stderr.strip().splitlines() or ["no output"])[-1]
        return 2, f"error: the audit did not run, so nothing is known ({last}): is there a network?"


def main() -> None:
    """Audit the pinned packages."""
    code, told = audit(sys.executable)
    print(told)
    sys.exit(code)


if __name__ == "__main__":
    main()
