"""The small study with every experiment, as it is planned."""

import re
import subprocess

import yaml
from config_schema import config_schema

from models.tiny import digit_tokenizer
from workflow.every import CONFIGURATION, ROOT, TARGETS, command, environment, notes, prepare


def configuration():
    return yaml.safe_load(CONFIGURATION.read_text())


def test_it_has_every_experiment_and_every_kind_of_context():
    schema = config_schema()["$defs"]
    names = [entry["name"] for entry in configuration()["experiments"]]
    assert sorted(names) == sorted(schema["experiment"]["properties"]["name"]["enum"])
    kinds = {entry["kind"] for entry in configuration()["contexts"]}
    assert kinds == set(schema["context"]["properties"]["kind"]["enum"])


def test_every_text_of_its_corpus_holds_a_number_and_is_another():
    assert len(set(notes())) == 40
    assert all(any(character.isdigit() for character in text) for text in notes())
    # A text has one token a character in the model that writes digits.
    assert max(len(digit_tokenizer()(text).input_ids) for text in notes()) < 100


def test_it_is_planned_with_all_its_figures_and_tables(tmp_path):
    prepare(tmp_path)
    planned = subprocess.run(
        command(*TARGETS, "--dry-run", "--quiet", "rules"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert planned.returncode == 0, planned.stderr
    told = planned.stdout + planned.stderr
    for rule in ("train_model_small", "convert_model_digits", "draw_texts", "extract_mixed", "align_embeddings"):
        assert rule in told


def test_rules_find_their_environment():
    """Its path is one from the folder of the file, also for a rule that is taken over from another folder."""
    for path in (ROOT / "workflow/rules").rglob("*.smk"):
        text = path.read_text()
        for environment_file in re.findall(r'conda:\s+"(.+)"', text):
            assert (path.parent / environment_file).is_file(), path
        for taken, changed in re.findall(r"use rule (\w+) as \w+ with:\n((?:[ #].*\n|\n)*)", text):
            (origin,) = [
                file for file in (ROOT / "workflow/rules").rglob("*.smk") if f"rule {taken}:" in file.read_text()
            ]
            assert origin.parent == path.parent or "conda:" in changed, path
