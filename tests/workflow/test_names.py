"""Names and values as they come: from the command line, from folders, with characters that mean something elsewhere."""

import copy
import shlex
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from check_config import check_config
from check_study import floating_revisions
from command_line import read_given_values
from config_schema import config_schema
from hypothesis import example, given
from hypothesis import strategies as st
from study import load_study

from numprobe.errors import NumprobeError
from numprobe.names import NAME, path_problem, study_name
from numprobe.runs import Run

RULES = config_schema()
NAMES = jsonschema.Draft202012Validator(RULES["$defs"]["model"]["properties"]["name"])
STUDY = yaml.safe_load((Path(__file__).parent / "study.yaml").read_text())


@given(st.text() | st.from_regex(r"[A-Za-z0-9._/\\\-{}\n]{1,6}"))
@example("..")
@example("a\n")
@example("a/../../b")
@example("/etc/passwd")
@example("a" * 81)
def test_a_name_is_one_part_of_a_path_and_one_word_of_a_command_or_refused(name):
    assert NAMES.is_valid(name) == bool(NAME.fullmatch(name))
    if NAMES.is_valid(name):
        assert Path("results", f"{name}.parquet").parts == ("results", f"{name}.parquet")
        assert Path("results", name).resolve() == Path("results").resolve() / name
        assert shlex.quote(name) == name
        assert not set(name) & set("{}*?[]~$")


@given(st.text() | st.from_regex(r"[a-z. ]{0,4}\.(untrained(-[0-9])?|mixed)", fullmatch=True))
@example("")
@example("...")
@example("große Modelle")
@example("a.untrained")
@example("a" * 75 + ".mixed.mixed")
def test_the_name_that_is_nearest_to_a_text_can_name_a_model(text):
    name = study_name(text)
    assert NAMES.is_valid(name)
    assert Run.parse(name).control == "none"
    assert study_name(name) == name


@pytest.mark.parametrize("name", ["../x", "a/b", "/x", "a{b}", "a\n", "", ".", "a b", "é", "a" * 81])
def test_other_names_are_refused_with_one_that_would_do(name):
    for section in ("models", "contexts"):
        config = copy.deepcopy(STUDY)
        config[section][0]["name"] = name
        with pytest.raises(NumprobeError, match=rf"{section}.*\.name: is .*must be at most 80 .*such as [A-Za-z0-9]"):
            check_config(config)


@pytest.mark.parametrize("path", ["da{t}a.txt", "a\nb.txt", "a}.txt"])
@pytest.mark.parametrize("key", ["corpus", "datasets", "model"])
def test_paths_with_braces_are_refused_with_their_key(path, key):
    config = copy.deepcopy(STUDY)
    if key == "model":
        config["models"].append({"name": "mine", "source": "path", "path": path})
    else:
        config["contexts"].append({"name": "c", "kind": "natural", key: path if key == "corpus" else [{"path": path}]})
    with pytest.raises(NumprobeError, match=r"(corpus|path): .* which Snakemake does not allow in a path: rename it"):
        check_config(config)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"7 eggs", "unknown extension '.csv'"),
        ("a.txt", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "is a Git LFS pointer"),
        ("a.txt", "7 eggs".encode("utf-16-le"), "line 1: character 1 is NUL"),
        ("a.jsonl", b'\n{"txt": "7 eggs"}', "line 2: 'text': is missing"),
        ("a.parquet", b"PAR1", "is not a readable Parquet file"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_refused_before_the_first_job(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    path = str(tmp_path / name)
    for entry, key in ({"corpus": path}, r"corpus"), ({"datasets": [{"path": path}]}, r"datasets\[0\]\.path"):
        config = copy.deepcopy(STUDY)
        config["contexts"].append({"name": "c", "kind": "natural", **entry})
        with pytest.raises(NumprobeError, match=rf"contexts\['c'\]\.{key}: .*{message}"):
            check_config(config)


@given(st.text())
def test_other_paths_are_taken(path):
    assert (path_problem(path) is None) == (not set(path) & {"{", "}", "\x7f", *map(chr, range(32))})


def test_models_and_datasets_of_the_hub_without_a_commit_are_warned_of():
    config = copy.deepcopy(STUDY)
    shared = {"source": "hub", "n_layers": 2, "encoder": True, "contexts": ["number"]}
    config["models"] += [
        {"name": "floating", "id": "org/no-such-model", **shared},
        {"name": "fixed", "id": "org/no-such-model", "revision": "0123456789" * 4, **shared},
    ]
    (warning,) = floating_revisions(load_study(config))
    assert warning.startswith("warning: models['floating']: revision 'main' of org/no-such-model may name another")
    config["contexts"].append({"name": "drawn", "kind": "natural", "datasets": [{"id": "a/b", "text": "{q}"}]})
    (_, drawn) = floating_revisions(load_study(config))
    assert drawn.startswith("warning: contexts['drawn'].datasets[0]: revision 'main' of a/b may name other texts")
    config["contexts"][-1]["datasets"][0]["revision"] = "0123456789" * 4
    assert len(floating_revisions(load_study(config))) == 1
    config["models"][-2]["id"] = "no/such/model"
    with pytest.raises(NumprobeError, match="'no/such/model' is not an id of the Hugging Face hub"):
        floating_revisions(load_study(config))


def given_as(text):
    """What Snakemake makes of a value on the command line."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("numbers", "{max: 499}"),
        ("numbers", "{min: 0, max: 499, tokens: single}"),
        ("split", "{folds: 5, inner: 2}"),
        ("activations", "{keep: false, dtype: float16}"),
        ("intervals", "{resamples: 200}"),
        ("contexts", "[{name: c, kind: natural, texts: 50, test_share: 0.5, corpus: '12'}]"),
        ("models", "[{name: '7', source: hub, id: a/b, revision: 1234567, n_layers: 2}]"),
        ("models", "[{name: m, source: path, path: '1.5', states: [0, 1], encoder: no}]"),
    ],
)
def test_values_of_the_command_line_are_read_as_in_a_file(key, text):
    written = yaml.safe_load(text)
    if key == "models" and "revision" in written[0]:
        written[0]["revision"] = "1234567"
    config = {**copy.deepcopy(STUDY), key: given_as(text)}
    read_given_values(config, {key: given_as(text)}, RULES)
    assert config[key] == written


def test_a_mapping_is_united_with_that_of_the_file_and_texts_of_the_file_stay():
    config = copy.deepcopy(STUDY)
    config["numbers"] = {"min": "0", "max": "499"}
    read_given_values(config, {"numbers": {"max": "499"}}, RULES)
    assert config["numbers"] == {"min": "0", "max": 499}
    with pytest.raises(NumprobeError, match=r"numbers\.min: is '0', must be a whole number"):
        check_config(config, {"numbers": {"max": "499"}})


def test_a_colon_without_a_space_is_told():
    config = {**copy.deepcopy(STUDY), "numbers": given_as("{max:49}")}
    with pytest.raises(NumprobeError, match="'max:49' lacks the space after its colon: write max: 49"):
        check_config(config, {"numbers": config["numbers"]})


def test_nested_values_reach_the_jobs(checkout):
    result = checkout.snakemake(
        "results/prompts/natural.parquet", "--dry-run", "--printshellcmds", "--config", "numbers={max: 199}", "seed=5"
    )
    said = result.stdout + result.stderr
    assert "--maximum 199" in said and "--seed 5" in said
    assert "--minimum 0" in said


def test_braces_in_the_path_of_the_workflow_are_refused(checkout, tmp_path):
    result = replace(checkout, folder=checkout.folder.rename(tmp_path / "a{b}")).snakemake("--dry-run", check=False)
    said = result.stdout + result.stderr
    assert "a{b}: Snakemake takes braces in its path for wildcards: rename the folder" in said
    assert "Traceback" not in said
