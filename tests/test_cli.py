import json
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import polars as pl
import pytest
import yaml
from check_config import check_config
from huggingface_hub import errors
from tests.probes.planted import fit, split_of

from models.gguf_files import small_model, write_gguf
from models.tiny import (
    LAYERS,
    WIDTH,
    save,
    separate_space_tokenizer,
    tiny_model,
    tiny_wrapper,
    word_tokenizer,
    wordpiece_tokenizer,
)
from numprobe import reasons
from numprobe.activations.read_text import OUT_OF_RANGE
from numprobe.cli import main
from numprobe.models.tokens import MULTI_TOKEN, REASONS
from numprobe.probes import probe as probes
from numprobe.spelling import SPELLINGS

COMMIT = "12345678" * 5
STUDY = Path(__file__).parent / "workflow" / "study.yaml"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub whose models are local folders; returns a function that puts a model there."""

    def put(model, tokenizer, files=("model.safetensors",)):
        folder = save(tmp_path / "snapshots" / COMMIT, model, tokenizer)
        info = SimpleNamespace(sha=COMMIT, siblings=[SimpleNamespace(rfilename=name) for name in files])
        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, id, revision=None: info)

        def download(id, revision, **_):
            assert revision == COMMIT
            return str(folder)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)

    return put


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"numprobe {version('numprobe')}\n"


@pytest.mark.parametrize(
    ("kind", "head", "unusual"),
    [
        ("llama", {"tie_word_embeddings": True}, {}),
        ("olmo2", {"tie_word_embeddings": False}, {"tied": False}),
        ("bert", None, {"encoder": True, "final_norm": False}),
        ("mistral", None, {}),
    ],
)
def test_the_entry_of_a_hub_model(hub, capsys, kind, head, unusual):
    hub(tiny_model(kind, head=head is not None, **(head or {})), word_tokenizer())
    assert main(["add-model", "org/Model-1B", "--revision", "main"]) == 0
    entries = yaml.safe_load(capsys.readouterr().out)
    located = {"name": "Model-1B", "source": "hub", "id": "org/Model-1B", "revision": COMMIT}
    assert entries == [{**located, "n_layers": LAYERS, "width": WIDTH, **unusual, "single_tokens": 200}]


def test_the_entry_of_a_multimodal_model_is_about_its_language_model(hub, capsys):
    hub(tiny_wrapper("qwen3_vl"), word_tokenizer())
    assert main(["add-model", "org/Model-VL"]) == 0
    (entry,) = yaml.safe_load(capsys.readouterr().out)
    assert (entry["n_layers"], entry["width"], entry["tied"]) == (LAYERS, WIDTH, False)


def test_layers_that_the_file_leaves_to_the_default_are_told(hub, tmp_path, capsys):
    """The files of LLaVA 1.5 say little of their text model."""
    hub(tiny_wrapper("llava"), word_tokenizer())
    path = tmp_path / "snapshots" / COMMIT / "config.json"
    config = json.loads(path.read_text())
    config["text_config"] = {"model_type": "llama", "vocab_size": 400, "hidden_size": 64}
    path.write_text(json.dumps(config))
    # As of the hub: the weights are not there yet.
    (path.parent / "model.safetensors").unlink()
    main(["add-model", "org/Model"])
    (entry,) = yaml.safe_load(capsys.readouterr().out)
    assert (entry["n_layers"], entry["width"]) == (32, 64)


def test_what_loading_refuses_is_refused_at_once(hub, tmp_path, capsys):
    hub(tiny_model("llama", head=True), word_tokenizer())
    path = tmp_path / "snapshots" / COMMIT / "config.json"
    told = {"architectures": ["HrmTextForCausalLM"], "num_hidden_layers": 3, "tie_word_embeddings": False}
    path.write_text(json.dumps({"model_type": "hrm_text", **told}))
    assert "the blocks of HrmTextModel were not found" in fails(capsys, "add-model", "org/model")
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "xlstm"}))
    assert "'xlstm' are not supported (it does not report its hidden states" in fails(capsys, "add-model", "org/model")
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "no_such_type"}))
    assert "cannot be loaded" in fails(capsys, "add-model", "org/model")


def test_the_entry_can_be_pasted_under_models(hub, capsys):
    hub(tiny_model("llama", head=True), word_tokenizer())
    main(["add-model", "org/model", "--name", "mine"])
    printed = capsys.readouterr().out
    config = "models:\n  - name: other\n    source: path\n    path: there\n" + printed + "contexts: []\n"
    assert [entry["name"] for entry in yaml.safe_load(config)["models"]] == ["other", "mine"]


def test_a_local_folder_and_its_numbers(tmp_path, capsys):
    folder = save(tmp_path / "local", tiny_model("bert"), wordpiece_tokenizer())
    assert main(["add-model", str(folder), "--minimum", "50", "--maximum", "69"]) == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == [{"name": "local", "source": "path", "path": str(folder)}]
    assert "# 10 of 50..69 are single tokens: 50..59\n" in printed
    assert "# several tokens: 60 = 6 | 0; " in printed
    assert "# the space before a number: none\n" in printed


def test_a_gguf_file_and_its_numbers(tmp_path, capsys):
    file = write_gguf(tmp_path / "small one.gguf", small_model(), "Q4_1")
    assert main(["add-model", str(file)]) == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == [{"name": "small-one", "source": "gguf", "path": str(file)}]
    assert (
        "# It writes numbers in up to 2 tokens: 100 of 0..999 are single tokens. Numbers are read at their" in printed
    )
    assert "experiments on the rows of the embedding matrix use the 100 alone.\n" in printed
    assert "# 100 of 0..999 are single tokens: 0..99\n" in printed
    assert f"# tensors: {2 * LAYERS + 1} of type F32, {7 * LAYERS + 1} of type Q4_1\n" in printed


def test_a_sentence_says_how_numbers_are_written_and_what_applies(tmp_path, capsys):
    folder = save(tmp_path / "local", tiny_model("llama"), word_tokenizer())
    assert main(["add-model", str(folder), "--maximum", "199"]) == 0
    assert "# It writes every number of 0..199 as one token: all experiments apply.\n" in capsys.readouterr().out
    assert main(["add-model", str(folder), "--maximum", "249"]) == 0
    said = "200 of 0..249 are single tokens, and 50 do not consist of whole tokens and are left out."
    assert said in capsys.readouterr().out
    digits = separate_space_tokenizer()
    folder = save(tmp_path / "other", tiny_model("llama", vocab_size=len(digits)), digits)
    assert main(["add-model", str(folder), "--minimum", "70", "--maximum", "129"]) == 0
    printed = capsys.readouterr().out
    assert "in up to 2 tokens: 30 of 70..129 are single tokens. Numbers are read at their last token; " in printed
    assert "embedding matrix leave it out (spectra, embedding_probes, embedding_alignment, operand_precision" in printed


def test_a_text_without_a_number_is_said_to_have_none(tmp_path, capsys, monkeypatch):
    folder = save(tmp_path / "local", tiny_model("llama"), word_tokenizer())
    (tmp_path / "probe.safetensors").touch()
    empty = SimpleNamespace(read=lambda *_: pl.DataFrame({"decoded": []}))
    monkeypatch.setattr(probes, "load_probe", lambda *_, **__: empty)
    assert main(["read", str(tmp_path / "probe.safetensors"), str(folder), "none", "--device", "cpu"]) == 0
    assert capsys.readouterr().out == "the text holds no number in digits\n"


def fails(capsys, *arguments):
    assert main(list(arguments)) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def test_what_cannot_be_added_is_one_clear_line(hub, tmp_path, capsys, monkeypatch):
    hub(tiny_model("llama", head=True), word_tokenizer(), files=("pytorch_model.bin",))
    assert "no safetensors" in fails(capsys, "add-model", "org/model")
    hub(tiny_model("llama", head=True), word_tokenizer(), files=("consolidated.safetensors", "config.json"))
    assert "no safetensors weights that transformers loads" in fails(capsys, "add-model", "org/model")
    assert "no config.json" in fails(capsys, "add-model", str(tmp_path))
    assert "leave --revision out" in fails(capsys, "add-model", str(tmp_path), "--revision", "main")
    (tmp_path / "model.bin").write_bytes(bytes(100))
    for file, message in (("no.gguf", "does not exist"), ("model.bin", "is not a GGUF file")):
        assert message in fails(capsys, "add-model", str(tmp_path / file))
    assert "leave --revision out" in fails(capsys, "add-model", str(tmp_path / "model.bin"), "--revision", "main")

    def offline(*_, **__):
        raise errors.OfflineModeIsEnabled("offline")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", offline)
    assert "cannot be reached" in fails(capsys, "add-model", "org/model")


def test_a_file_that_the_index_of_a_hub_model_names_but_the_hub_lacks_is_missed_at_once(hub, tmp_path, capsys):
    index = "model.safetensors.index.json"
    hub(tiny_model("llama", head=True), word_tokenizer(), files=(index, "1.safetensors"))
    folder = tmp_path / "snapshots" / COMMIT
    (folder / "model.safetensors").unlink()
    (folder / index).write_text(json.dumps({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}))
    said = fails(capsys, "add-model", "org/model")
    assert f"org/model has no 2.safetensors, which its {index} names (1 missing in all)" in said


def test_reading_needs_a_probe_and_a_model(tmp_path, capsys):
    assert "does not exist" in fails(capsys, "read", str(tmp_path / "no.safetensors"), "org/model", "7")
    (tmp_path / "probe.safetensors").touch()
    reading = fails(capsys, "read", str(tmp_path / "probe.safetensors"), "small.gguf", "7")
    assert "small.gguf is a GGUF file: name the folder" in reading
    assert "error" in fails(capsys, "read", str(tmp_path / "probe.safetensors"), str(tmp_path), "7")


@pytest.mark.parametrize("options", [[], ["--no-check"]])
def test_reading_prints_the_probes_table_in_full(tmp_path, capsys, monkeypatch, options):
    folder = save(tmp_path / "local", tiny_model("llama"), word_tokenizer())
    (tmp_path / "probe.safetensors").touch()
    asked = {}

    def read(model, tokenizer, text):
        asked.update(text=text, width=model.config.hidden_size, ids=tokenizer(text).input_ids)
        place = {"start": [0] * 30, "end": [1] * 30, "written": ["7"] * 30, "reason": [None] * 30}
        return pl.DataFrame({"decoded": np.arange(30), **place}, schema_overrides={"reason": pl.String})

    def load(path, model, tokenizer, check):
        asked.update(check=check)
        return SimpleNamespace(read=read)

    monkeypatch.setattr(probes, "load_probe", load)
    assert main(["read", str(tmp_path / "probe.safetensors"), str(folder), "7 is", "--device", "cpu", *options]) == 0
    printed = capsys.readouterr().out
    assert all(f" {value} " in printed for value in range(30))
    assert asked["text"] == "7 is"
    assert asked["ids"] == word_tokenizer()("7 is").input_ids
    assert asked["check"] == (not options)


def test_reading_says_what_was_read_and_why_the_rest_was_not(tmp_path, capsys):
    """Of a probe that knows 0..199, and a tokenizer that writes up to three digits as one token and drops spaces."""
    folder = save(tmp_path / "local", tiny_model("llama"), word_tokenizer())
    states = np.random.default_rng(0).normal(size=(200, WIDTH))
    fit("linear", states, np.arange(200), split_of(199, folds=3)).save(tmp_path / "probe.safetensors")
    text = "$1,234.50 of 1,000,000 at -17 or 3.14: ٤٢, ３, 5², 007, 12:30, 123 45, 567 and 12, 12 or 1，234"
    arguments = ["read", str(tmp_path / "probe.safetensors"), str(folder), text, "--device", "cpu", "--no-check"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    told = printed[printed.index("read: ") :].splitlines()
    assert [line.split(" (")[0] + line[line.index("): ") + 1 :] if "(" in line else line for line in told] == [
        "read: 12, 12",
        "left out, decimal: 1,234.50  3.14",
        "left out, grouped: 1,000,000  1，234",
        "left out, negative: -17",
        "left out, other_digits: ٤٢  ３  5",
        "left out, leading_zeros: 007",
        "left out, time: 12:30",
        "left out, glued: 123  45",
        "left out, out_of_range: 567",
    ]
    assert "│ null  ┆ null   ┆ 1     ┆ 9   ┆ 1,234.50  ┆ null  ┆ null   ┆ null    ┆ null  ┆ decimal" in printed


def test_every_reason_is_described():
    assert {*SPELLINGS, *REASONS, MULTI_TOKEN, OUT_OF_RANGE} == set(reasons.REASONS)
    page = Path(__file__).parents[1].joinpath("docs", "numbers.md").read_text()
    assert all(f"| `{reason}` |" in page for reason in reasons.REASONS)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_arguments_that_are_no_text_are_refused_before_anything_is_read(capsys, place):
    arguments = ["read", "probe.safetensors", "org/model", "7 is"]
    arguments[place] = "7 is\udcff"
    assert f"argument {place + 1}: not UTF-8 (byte 0xff at character 4): save it as UTF-8" in fails(capsys, *arguments)


@pytest.mark.parametrize("name", ["große Modelle", ".hidden", "a.untrained", "x" * 120, "it's $(here); 7", "-", "null"])
def test_the_entry_of_any_folder_is_one_that_a_study_takes(tmp_path, capsys, name):
    folder = save(tmp_path / name, tiny_model("llama"), word_tokenizer())
    assert main(["add-model", str(folder)]) == 0
    config = yaml.safe_load(STUDY.read_text())
    config["models"] += yaml.safe_load(capsys.readouterr().out)
    check_config(config)
    assert config["models"][-1]["path"] == str(folder)


@pytest.mark.parametrize("ending", ["/", "/.", "/../a"])
def test_a_folder_is_named_whatever_its_path_ends_with(tmp_path, capsys, ending):
    folder = save(tmp_path / "a", tiny_model("llama"), word_tokenizer())
    assert main(["add-model", f"{folder}{ending}"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)[0]["name"] == "a"


def test_names_and_paths_that_no_study_takes_are_refused_with_a_remedy(tmp_path, capsys):
    folder = save(tmp_path / "a{b}", tiny_model("llama"), word_tokenizer())
    assert "which Snakemake does not allow in a path: rename it, or link to it" in fails(
        capsys, "add-model", str(folder)
    )
    (tmp_path / "link").symlink_to(folder)
    said = fails(capsys, "add-model", str(tmp_path / "link"), "--name", "../a")
    assert "--name '../a' cannot name a model: use a" in said
    assert main(["add-model", str(tmp_path / "link"), "--name", "mine"]) == 0


def test_line_ends_in_tokens_end_no_comment(tmp_path, capsys, monkeypatch):
    """A tokenizer could write an entry of its own into what is pasted."""
    folder = save(tmp_path / "a", tiny_model("llama"), word_tokenizer())
    told = {"count": 1, "ranges": [[0, 0]], "contiguous_from_minimum": [0, 0]}
    pieces = {"single_token_numbers": told, "multi_token_examples": {"7": ["7\n- {name: evil}"]}, "leading_space": "x"}
    monkeypatch.setattr("numprobe.models.card.describe_numbers", lambda *_: pieces)
    monkeypatch.setattr("numprobe.models.card.writing_sentence", lambda *_: "It writes.")
    assert main(["add-model", str(folder)]) == 0
    assert [entry["name"] for entry in yaml.safe_load(capsys.readouterr().out)] == ["a"]


def test_an_experiment_is_explained(capsys):
    assert main(["explain", "rsa"]) == 0
    assert "results/tables/rsa.parquet" in capsys.readouterr().out
    assert main(["explain", "nothing"]) == 1
    assert "no experiment named nothing has a folder of its own; those are" in capsys.readouterr().err
