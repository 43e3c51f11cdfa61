"""The confirmatory run: its configuration is whole, on another seed, and on texts that nothing else reads."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from config_schema import config_schema
from study import load_study

from numprobe.prompts.corpus import read_corpus
from numprobe.prompts.natural import load_passages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "confirmatory"
NEW = {"new_texts": ("texts.jsonl", 40), "new_wordings": ("wordings.jsonl", 2)}


@pytest.fixture
def config(monkeypatch):
    """The configuration as a run in its folder reads it."""
    monkeypatch.chdir(FOLDER)
    return yaml.safe_load((FOLDER / "config.yaml").read_text())


def test_it_is_valid_complete_and_marked(config):
    keys = set(config)
    load_study(config)
    # It is laid over config.yaml: a key that is left out would come from the default study.
    assert keys == set(config_schema()["properties"])
    assert config["confirmatory"] and config["seed"] == 1


def test_nothing_that_was_chosen_on_seed_0_is_chosen_again(config):
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for key in ("numbers", "split", "fitting", "controls", "activations"):
        assert config[key] == default[key]
    known = {model["name"]: model for model in default["models"]}
    for model in config["models"]:
        same = ("source", "package", "file", "folder", "states")
        assert {key: model.get(key) for key in same} == {key: known[model["name"]].get(key) for key in same}
        assert model.get("train", {}).get("steps") == known[model["name"]].get("train", {}).get("steps")
    contexts = {entry["name"]: entry for entry in default["contexts"]}
    for entry in config["contexts"]:
        assert entry["name"] in NEW or entry == contexts[entry["name"]]


def test_pretrained_models_read_new_texts_in_place_of_those_of_the_default_study(config):
    for model in config["models"]:
        pretrained = model["source"] != "train"
        assert pretrained == ({*NEW} <= {*model["contexts"]}) == ({"operand", "natural"}.isdisjoint(model["contexts"]))


def test_the_new_texts_are_many_and_occur_nowhere_else():
    others = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    elsewhere = "\n".join(
        (ROOT / name).read_text(encoding="utf-8", errors="ignore")
        for name in others
        if not name.startswith("confirmatory/") and (ROOT / name).suffix in (".py", ".jsonl", ".yaml", ".md", ".smk")
    )
    built_in = {passage.text for passage in load_passages()}
    for file, fewest in NEW.values():
        corpus = read_corpus(FOLDER / file, 1, 0.3)
        assert len(corpus.passages) >= fewest and not corpus.skipped and not corpus.left_out
        assert {passage.text_split for passage in corpus.passages} == {"train", "test"}
        texts = [json.loads(line)["text"] for line in (FOLDER / file).read_text().splitlines()]
        assert len(set(texts)) == len(texts) and built_in.isdisjoint(texts)
        assert not [text for text in texts if text in elsewhere]
