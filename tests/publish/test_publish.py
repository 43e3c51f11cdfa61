"""Probes that leave a study: folders, cards, and a hub on this machine (`HF_ENDPOINT`)."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from tests.models.hub import CLOSED, COMMIT, OPENS, REFUSED, Hub, served
from tests.models.tiny import save, tiny_model, word_tokenizer
from tests.probes.planted import split_of, waves, write_folder

import numprobe
from numprobe.cli import main
from numprobe.errors import NumprobeError
from numprobe.measure.accuracy import evaluate
from numprobe.models.identity import tokenizer_sha256
from numprobe.probes.fit_closed_form import save_closed_form
from numprobe.probes.probe import load_probe
from numprobe.probes.published import INDEX, read_index
from numprobe.publish.card import snippet
from numprobe.publish.study import probes_of_study
from numprobe.tables import measurements, write_table

ROOT = Path(__file__).parents[2]
VALUES = np.tile(np.arange(200), 2)
SPLIT = split_of(199, folds=3)
KINDS = ("fourier", "linear")
CONTEXTS = ("natural", "number")
CARD = {"single_token_numbers": {"contiguous_from_minimum": None}}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder `results` with probes of a hub model in two contexts, and tables of it and of its untrained control."""
    folder = tmp_path_factory.mktemp("study")
    tokenizer = word_tokenizer()
    save(folder / "model", tiny_model("llama", head=True), tokenizer)
    told = {
        "model": "tiny",
        "source": {"kind": "hub", "id": "org/model", "revision": COMMIT},
        "revision": COMMIT,
        "tokenizer_sha256": tokenizer_sha256(tokenizer),
    }
    for seed, context in enumerate(CONTEXTS):
        for run, noise, control in (("tiny", 0.02, "none"), ("tiny.untrained", 9.0, "untrained")):
            layers = {
                layer: waves(VALUES, 32, noise * (place + 1), (2, 5, 10, 200), seed)
                for place, layer in enumerate(("0", "2", "final_norm"))
            }
            states = write_folder(folder / "states" / run / context, layers, VALUES)
            probes = folder / "results" / "probes" / run / context
            save_closed_form(states, probes, KINDS, ["shuffled", "gaussian"], SPLIT, {}, 1, None)
            # As in a study, the untrained model has no controls of its own.
            files = [f for f in sorted(probes.glob("*.safetensors")) if control == "none" or "." not in f.stem]
            fitted = [load_probe(file) for file in files]
            _, rows = evaluate(states, fitted, CARD, control, 50, 0)
            table = measurements([{"model": "tiny", "context": context, **row} for row in rows])
            record = {"weights_sha256": "aa"}
            write_table(folder / "results" / "tables" / "accuracy" / run / f"{context}.parquet", table, record)
            for probe in fitted:
                probe.metadata.update(told, context=context)
                probe.save(probes / probe.file_name)
    # Of experiments, which stay behind.
    (folder / "results" / "probes" / "tiny" / "universal").mkdir()
    load_probe(folder / "results" / "probes" / "tiny" / "number" / "linear.safetensors").save(
        folder / "results" / "probes" / "tiny" / "universal" / "fourier.safetensors"
    )
    return folder


@pytest.fixture(autouse=True)
def registry(tmp_path, monkeypatch):
    """A registry of this test alone."""
    monkeypatch.setenv("NUMPROBE_REGISTRY", str(tmp_path / "registry" / "probes.json"))
    return tmp_path / "registry" / "probes.json"


@pytest.fixture
def hub(study, tmp_path):
    with served(Hub({"org/model": study / "model"}, gated={"org/gated"}, writable=tmp_path / "hub")) as running:
        running.models["org/gated"] = study / "model"
        yield running


@pytest.fixture
def written(study, tmp_path, capsys):
    """The folder of a dry run."""
    folder = tmp_path / "out"
    assert main(["publish", str(study / "results" / "probes" / "tiny"), "org/probes", "--dry-run", str(folder)]) == 0
    assert capsys.readouterr().out.startswith(f"{folder} holds what would be uploaded to org/probes")
    return folder


def environment(hub, tmp_path, token=None, offline=False):
    unset = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    more = ({"HF_TOKEN": token} if token else {}) | ({"HF_HUB_OFFLINE": "1"} if offline else {})
    home = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return {**kept, **home, "PYTHONPATH": str(ROOT / "src"), "NO_PROXY": "127.0.0.1", **more}


def python(hub, tmp_path, *arguments, **options):
    """Run a program of its own, because `huggingface_hub` reads its settings once."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(hub, tmp_path, **options),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


def numprobe_command(hub, tmp_path, *arguments, **options):
    return python(hub, tmp_path, "-m", "numprobe.cli", *arguments, **options)


def code_of(card):
    return re.search(r"```python\n(.*?)```", card, re.DOTALL).group(1)


def test_the_folder_holds_probes_list_table_figure_and_card(study, written):
    found = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    probes = {f"{context}/{kind}.safetensors" for context in CONTEXTS for kind in KINDS}
    assert found == probes | {INDEX, "README.md", "accuracy.csv", "accuracy.png"}
    index = read_index(written / INDEX)
    assert (index["model"], index["revision"], index["minimum"], index["maximum"]) == ("tiny", COMMIT, 0, 199)
    original = load_probe(study / "results" / "probes" / "tiny" / "number" / "fourier.safetensors")
    probe = load_probe(written, context="number")
    assert probe.folds == ("all",) and probe.kind == "fourier"
    states = waves(VALUES, 32)
    assert np.array_equal(probe.scores(states, "2"), original.scores(states, "2"))
    table = pl.read_csv(written / "accuracy.csv")
    assert set(table["control"]) == {"none", "shuffled", "gaussian", "untrained", "constant"}
    assert table.filter(control="gaussian")["layer"].null_count() == table.filter(control="gaussian").height


def test_published_accuracies_are_those_of_the_study(study):
    for probe in probes_of_study(study / "results" / "probes" / "tiny", folds=True):
        assert probe.folds == ("all", "0", "1", "2")
        tables = study / "results" / "tables" / "accuracy"
        for run, control in (("tiny", "none"), ("tiny", "shuffled"), ("tiny.untrained", "untrained")):
            table = numprobe.read_table(tables / run / f"{probe.metadata['context']}.parquet")
            wanted = table.filter(
                pl.col("fold").is_null(), probe=probe.kind, control=control, metric="accuracy", subset="all"
            )
            own = probe.accuracy.filter(control=control)
            assert own.rows() == wanted.select(own.columns).rows() and own.height == 3


def test_the_card_says_what_the_probes_are_and_how_well_they_read(written):
    card = (written / "README.md").read_text()
    matter = yaml.safe_load(card.split("---")[1])
    assert (matter["license"], matter["base_model"], matter["library_name"]) == ("mit", "org/model", "numprobe")
    probe = load_probe(written, context="number", kind="fourier")
    row = probe.accuracy.filter(layer="2", control="none").row(0, named=True)
    shown = f"| 2 | {100 * row['value']:.1f} ({100 * row['ci_low']:.1f} to "
    assert shown in card.replace("100.0", "100") or shown in card
    for part in ("### natural: `fourier`", "### number: `fourier`", "untrained", "shuffled", "## Limits", "arXiv:2510"):
        assert part in card
    # The control without layers stands beside every layer.
    heads, _, *rows = (
        line.split(" | ") for line in card.split("### number: `fourier`")[1].split("\n\n")[1].splitlines()
    )
    place = [head.strip("| ") for head in heads].index("gaussian")
    assert len({line[place] for line in rows}) == 1 and len(rows) == 3 and rows[0][place].strip("| ")
    assert f"`{COMMIT}`" in card and probe.metadata["tokenizer_sha256"] in card
    assert "3 fold(s) over the numbers (scheme `folds`, seed 0)" in card
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert f"title   = {{{citation['title']}}}" in card and f"version = {{{citation['version']}}}" in card


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ({"kind": "gguf", "folder": "results/models/m"}, '"results/models/m"'),
        ({"kind": "train", "folder": "results/models/m/revisions/step-3"}, '"results/models/m/revisions/step-3"'),
        ({"kind": "path", "path": "mine"}, '"path/to/mine"'),
        ({"kind": "package", "package": "p", "folder": "f"}, 'find_package_folder("p", "f")'),
        ({"kind": "hub", "id": "org/model", "revision": "v1"}, '"org/model", revision="v1"'),
        (None, '"results/models/tiny"'),
    ],
)
def test_the_program_of_the_card_loads_the_model_from_where_it_is(written, source, place):
    probe = load_probe(written, context="number", kind="linear")
    program = snippet(replace(probe, metadata={**probe.metadata, "source": source, "revision": None}), "a/b")
    compile(program, "card", "exec")
    assert f"AutoModel.from_pretrained({place})" in program and f"AutoTokenizer.from_pretrained({place})" in program
    assert ("import find_package_folder" in program) == ("find_package_folder(" in program)


def test_paths_of_this_machine_are_not_published(study):
    path = study / "results" / "probes" / "tiny" / "number" / "linear.safetensors"
    original = path.read_bytes()
    probe = load_probe(path)
    probe.metadata["source"] = {"kind": "path", "path": "/home/someone/secret/model"}
    probe.save(path)
    try:
        sources = [one.metadata["source"] for one in probes_of_study(path.parents[1])]
    finally:
        path.write_bytes(original)
    assert {"kind": "path", "path": "model"} in sources and "secret" not in str(sources)


def test_published_loaded_by_name_and_read_by_the_program_of_the_card(study, hub, tmp_path, registry):
    done = numprobe_command(hub, tmp_path, "publish", study / "results" / "probes" / "tiny", "org/probes", token=OPENS)
    assert (done.returncode, done.stdout) == (0, f"{hub.url}/org/probes\n"), done.stderr
    listed = numprobe_command(hub, tmp_path, "probes")
    assert listed.stdout.splitlines() == [
        f"org/probes: model tiny, numbers 0..199, revision {COMMIT}",
        "  natural: fourier, linear",
        "  number: fourier, linear",
    ]
    # On another machine, without a token.
    registry.unlink()
    program = code_of((tmp_path / "hub" / "org" / "probes" / "README.md").read_text())
    assert 'load_probe("org/probes", model, tokenizer, context="natural", kind="fourier")' in program
    done = python(hub, tmp_path, "-c", program)
    assert done.returncode == 0, done.stderr
    assert "written" in done.stdout and "decoded" in done.stdout and "12 " in done.stdout
    assert "org/probes" in registry.read_text()
    assert hub.fetched(".safetensors") == ["fourier.safetensors", "model.safetensors"]
    # What is in the cache needs no network, and is of the commit that was asked for.
    before = len(hub.asked)
    loading = "import numprobe; print(numprobe.load_probe('org/probes', context='natural', revision={!r}))"
    for revision in (COMMIT, None):
        done = python(hub, tmp_path, "-c", loading.format(revision), offline=True)
        assert done.stdout.startswith("<fourier probe of tiny in natural: 0..199, 3 layers"), done.stderr
    assert len(hub.asked) == before


def test_one_probe_can_be_pushed(hub, tmp_path):
    program = """
import numpy as np, numprobe
states = np.random.default_rng(0).standard_normal((300, 8))
probe = numprobe.fit(states, np.arange(300) % 100, "linear", folds=3)
print(probe.push_to_hub("me/mine"))
again = numprobe.load_probe("me/mine")
assert (again.scores(states, "states") == probe.scores(states, "states")).all()
assert again.accuracy.rows() == probe.accuracy.rows()
"""
    done = python(hub, tmp_path, "-c", program, token=OPENS)
    assert (done.returncode, done.stdout) == (0, f"{hub.url}/me/mine\n"), done.stderr
    card = (tmp_path / "hub" / "me" / "mine" / "README.md").read_text()
    done = python(hub, tmp_path, "-c", code_of(card))
    assert done.returncode == 0 and "accuracy" in card, done.stderr


LOAD = """
import sys, numprobe
from numprobe.errors import NumprobeError
for name in sys.argv[1:]:
    id, _, revision = name.partition("@")
    try:
        numprobe.load_probe(id, revision=revision or None)
    except NumprobeError as error:
        print(error)
"""


def test_names_that_do_not_load_give_the_messages_of_models(hub, tmp_path):
    names = ("org/absent", "org/gated", "org/model@v9", "org/model", "org/../x")
    absent, gated, revision, model, path = python(hub, tmp_path, "-c", LOAD, *names).stdout.splitlines()
    assert absent.startswith("org/absent is not on the Hugging Face hub, or is private: check the id, or log in")
    assert gated.startswith("org/gated is gated and no token was found: accept its terms at")
    assert revision == "org/model has no revision 'v9' on the Hugging Face hub"
    assert model.startswith(f"org/model has no {INDEX} on the Hugging Face hub, so it holds no such probe")
    assert path == "org/../x does not exist: run again, or correct the path"
    closed, refused = (
        python(hub, tmp_path, "-c", LOAD, "org/gated", token=token).stdout for token in (CLOSED, REFUSED)
    )
    assert closed.startswith("org/gated is gated and your token gives no access")
    assert refused.startswith("org/gated cannot be fetched, the Hugging Face hub rejects your token")
    offline = python(hub, tmp_path, "-c", LOAD, "org/absent", offline=True).stdout
    assert "HF_HUB_OFFLINE forbids fetching it" in offline and offline.endswith("or give a local folder or file\n")
    hub.url = "http://127.0.0.1:9"
    assert "the Hugging Face hub cannot be reached" in python(hub, tmp_path, "-c", LOAD, "org/absent").stdout


def test_publishing_that_is_not_allowed_is_answered_with_one_line(study, hub, tmp_path):
    probes = study / "results" / "probes" / "tiny"

    def told(*options, id="org/new", **how):
        done = numprobe_command(hub, tmp_path, "publish", probes, id, *options, **how)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        return done.stderr

    assert told().startswith("error: publishing needs a token and none was found: log in with `hf auth login` or set")
    assert "org/new cannot be uploaded: your token may not write there" in told(token=CLOSED)
    assert "org/new cannot be uploaded: the Hugging Face hub rejects your token" in told(token=REFUSED)
    assert "org/new cannot be uploaded: HF_HUB_OFFLINE forbids it" in told(token=OPENS, offline=True)
    hub.url = "http://127.0.0.1:9"
    assert "org/new cannot be uploaded: the Hugging Face hub does not take it" in told(token=OPENS)


def fails(capsys, *arguments):
    assert main(list(map(str, arguments))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_wrong_folders_and_names_are_answered_with_one_line(study, tmp_path, written, capsys):
    probes = study / "results" / "probes"
    assert "'mine' is not an id of the Hugging Face hub: give ORG/NAME" in fails(capsys, "publish", probes, "mine")
    out = ("--dry-run", tmp_path / "new")
    assert "holds no probes of a model: name results/probes/MODEL" in fails(capsys, "publish", tmp_path, "a/b", *out)
    control = fails(capsys, "publish", probes / "tiny.untrained", "a/b", *out)
    assert control.endswith("holds probes of a control: name those of its model, tiny")
    full = fails(capsys, "publish", probes / "tiny", "a/b", "--dry-run", written)
    assert "exists and is not empty: name another folder" in full
    table = study / "results" / "tables" / "accuracy" / "tiny" / "natural.parquet"
    content = table.read_bytes()
    try:
        write_table(table, numprobe.read_table(table), {"weights_sha256": "bb"})
        assert "was fitted on other weights (sha256 aa)" in fails(capsys, "publish", probes / "tiny", "a/b", *out)
        table.unlink()
        assert "natural.parquet does not exist" in fails(capsys, "publish", probes / "tiny", "a/b", *out)
    finally:
        table.write_bytes(content)


def test_which_probe_of_a_folder_is_meant(study, written):
    of_study = study / "results" / "probes" / "tiny"
    assert load_probe(of_study, context="natural").folds == ("all", "0", "1", "2")
    for given, message in (
        ((written, {}), "has probes of several contexts: give context=..., one of natural, number"),
        ((written, {"context": "prices"}), "no probes of the context 'prices': it has natural, number"),
        (
            (written, {"context": "number", "kind": "digits"}),
            "no probe 'digits' of the context 'number': it has fourier",
        ),
        ((of_study, {"context": "prices"}), "it has natural, number, universal"),
        ((written / "README.md", {"context": "number"}), "is one probe: leave context and kind out"),
        ((written, {"revision": "main"}), "is no id of the Hugging Face hub, so it has no revisions"),
        ((written / "number", {}), "holds no probes: name a probe file"),
    ):
        with pytest.raises(NumprobeError, match=re.escape(message)):
            load_probe(given[0], **given[1])


@pytest.mark.parametrize("name", ["../x", "/x", "", ".hidden", 7, None])
def test_a_list_of_probes_cannot_name_files_elsewhere(written, name):
    from numprobe.sealed import read_sealed_json, write_sealed_json

    index = read_sealed_json(written / INDEX)
    index["probes"][0]["context"] = name
    write_sealed_json(written / INDEX, index)
    with pytest.raises(NumprobeError, match="is no list of probes that this version of numprobe reads"):
        load_probe(written, context="number")


def test_a_registry_that_cannot_be_used_keeps_no_probe_from_loading(written, registry, capsys):
    from numprobe.probes.registry import known_probes, remember

    assert main(["probes"]) == 0
    assert "no probe of the hub was published or loaded here yet" in capsys.readouterr().out
    index = read_index(written / INDEX)
    remember("a/b", COMMIT, index)
    remember("c/d", COMMIT, index)
    remember("a/b", "0" * 40, index)
    assert [(entry["id"], entry["revision"]) for entry in known_probes()] == [("a/b", "0" * 40), ("c/d", COMMIT)]
    registry.write_text("damaged")
    remember("e/f", COMMIT, index)
    assert registry.read_text() == "damaged"
    assert "is damaged" in fails(capsys, "probes")
