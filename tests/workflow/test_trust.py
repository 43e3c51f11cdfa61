"""A study of a model and a corpus that mean harm: nothing of theirs runs, nothing outside the study is written."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from numprobe.tables import read_table

#: What a shell would run, and what a path would climb out of.
HARM = "it's $(touch RAN); touch RAN `touch RAN` & ü"
UP = "../../../UP"


class Payload:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def harm(folder: Path, marker: Path) -> None:
    """Put beside a model's files all that a model folder can carry of code and paths."""
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(marker)))
    (folder / "training_args.bin").write_bytes(pickle.dumps(Payload(marker)))
    for name in ("modeling_harm", "configuration_harm", "tokenization_harm"):
        (folder / f"{name}.py").write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n")
    config = json.loads((folder / "config.json").read_text())
    auto = {"AutoConfig": "configuration_harm.Harm", "AutoModel": "modeling_harm.Harm"}
    config |= {"auto_map": auto, "_name_or_path": UP}
    (folder / "config.json").write_text(json.dumps(config))
    told = json.loads((folder / "tokenizer_config.json").read_text())
    told |= {"auto_map": {"AutoTokenizer": ["tokenization_harm.Harm", None]}, "name_or_path": UP}
    told["chat_template"] = [{"name": UP, "template": "x"}, {"name": "default", "template": "x"}]
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.slow
def test_nothing_of_a_model_or_corpus_runs_and_nothing_outside_the_study_is_written(checkout, tmp_path):
    study, home, marker = tmp_path / "study", tmp_path / "home", tmp_path / "RAN"
    study.mkdir()
    home.mkdir()
    shutil.move(checkout.folder / "encoder", study / HARM)
    harm(study / HARM, marker)
    rows = [{"text": f"The {UP} {letter} {HARM} costs 5 euros.", "domain": UP} for letter in "abcdefghijklmnopqrst"]
    (study / f"{HARM}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (study / "study.yaml").write_text(
        yaml.safe_dump(
            {
                **checkout.configuration(),
                "numbers": {"min": 0, "max": 49},
                "models": [{"name": "m", "source": "path", "path": HARM, "contexts": ["natural"]}],
                "contexts": [{"name": "natural", "kind": "natural", "corpus": f"{HARM}.jsonl", "texts": 200}],
                "probes": [{"name": "fourier"}],
                "controls": ["mixed"],
                "experiments": [{"name": "accuracy"}, {"name": "examples"}],
            }
        )
    )
    before = files(tmp_path)
    kept = {name: value for name, value in checkout.environment().items() if not name.startswith(("HF_", "XDG_"))}
    command = [sys.executable, "-m", "snakemake", "-s", str(checkout.folder / "Snakefile"), "--cores", "2"]
    result = subprocess.run(
        [*command, "results/figures/examples.pdf", "results/figures/accuracy.pdf", "--configfile", "study.yaml"],
        cwd=study,
        env={**kept, "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    assert not {path.name for path in tmp_path.rglob("*")} & {"RAN", "UP", "UP.jinja", "UP.parquet"}
    written = [Path(name).parts for name in files(tmp_path) - before]
    assert {parts[:2] if parts[0] == "study" else parts[:1] for parts in written} <= {
        ("study", "results"),
        ("study", ".snakemake"),
        ("home",),
    }
    examples = read_table(study / "results/tables/examples.parquet")
    assert examples["text"].str.contains(UP, literal=True).all()
    assert set(json.loads((study / "results/cards/m.json").read_text())) > {"weights_sha256"}
