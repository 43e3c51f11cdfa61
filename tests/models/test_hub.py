"""The hub code against a hub on this machine (`HF_ENDPOINT`), in programs of their own as in a study."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.hub import CLOSED, COMMIT, OPENS, REFUSED, Hub, served
from models.tiny import save, tiny_model, word_tokenizer
from numprobe.activations.store import read_manifest, read_states
from numprobe.models.weights import embedding_shards, read_rows, weights_sha256

ROOT = Path(__file__).parents[2]
# One program resolves several sources: it prints folder and commit, or the error, of each.
RESOLVE = """
import json, sys
from numprobe.errors import NumprobeError
from numprobe.models.source import parse_source, resolve_source
for text in sys.argv[1:]:
    description = json.loads(text)
    try:
        found = resolve_source(parse_source(description["source"]), description["weights"])
        print(json.dumps([str(found.folder), found.revision]))
    except NumprobeError as error:
        print(json.dumps(["error", str(error)]))
"""


@pytest.fixture(scope="module")
def sharded(tmp_path_factory):
    """An untied model in several files; its two embedding matrices are not in all of them."""
    folder = tmp_path_factory.mktemp("hub") / "model"
    model = tiny_model("llama", head=True, tie_word_embeddings=False)
    model.save_pretrained(folder, max_shard_size="60KB")
    word_tokenizer().save_pretrained(folder)
    shards = {path.name for path in folder.glob("*.safetensors")}
    assert 0 < len(embedding_shards(folder)) < len(shards)
    return folder


@pytest.fixture
def hub(sharded, tmp_path):
    single = save(tmp_path / "single", tiny_model("llama", head=True), word_tokenizer())
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_text("")
    models = {"org/sharded": sharded, "org/single": single, "org/gated": sharded, "org/pickled": pickled}
    with served(Hub(models, gated={"org/gated"})) as running:
        yield running


def environment(hub, tmp_path, token=None, offline=False):
    unset = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    more = {"HF_TOKEN": token} if token else {}
    more |= {"HF_HUB_OFFLINE": "1"} if offline else {}
    home = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return {**kept, **home, "PYTHONPATH": str(ROOT / "src"), "NO_PROXY": "127.0.0.1", **more}


def resolve(hub, tmp_path, *sources, **options):
    """What each (source, weights) resolves to."""
    texts = [json.dumps({"source": {"kind": "hub", **source}, "weights": weights}) for source, weights in sources]
    result = subprocess.run(
        [sys.executable, "-c", RESOLVE, *texts],
        env=environment(hub, tmp_path, **options),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def run_program(hub, tmp_path, name, *options):
    result = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, options)],
        env=environment(hub, tmp_path),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def test_all_files_or_those_of_the_embeddings_are_fetched_of_one_commit(hub, tmp_path, sharded):
    sources = [
        ({"id": "org/sharded", "revision": "main", "embeddings_only": True}, True),
        ({"id": "org/sharded", "revision": "main"}, False),
        ({"id": "org/single", "embeddings_only": True}, True),
    ]
    for folder, commit in resolve(hub, tmp_path, *sources):
        assert commit == Path(folder).name == COMMIT
    assert hub.fetched(".safetensors") == sorted([*embedding_shards(sharded), "model.safetensors"])
    ((folder, commit),) = resolve(hub, tmp_path, ({"id": "org/sharded", "revision": COMMIT}, True))
    assert commit == COMMIT
    assert {path.name for path in Path(folder).iterdir()} >= {path.name for path in sharded.glob("*.safetensors")}
    # What is in the cache is neither fetched again nor needs a network.
    before = len(hub.asked)
    assert resolve(hub, tmp_path, *sources, offline=True) == resolve(hub, tmp_path, *sources, offline=True)
    assert len(hub.asked) == before


def test_a_revision_that_is_no_commit_is_warned_of_with_the_commit_that_it_is(hub, tmp_path):
    names = [{}, {"revision": "main"}, {"revision": COMMIT}]
    program = f"{RESOLVE}\nfrom numprobe.models.source import floating_revision as told\n"
    program += (
        f"print(told('org/single', 'main'), told('org/single', '{COMMIT}'), told('org/sharded', None), sep='\\n')"
    )

    def said(*sources):
        texts = [
            json.dumps({"source": {"kind": "hub", "id": "org/single", **one}, "weights": False}) for one in sources
        ]
        command = [sys.executable, "-c", program, *texts]
        result = subprocess.run(command, env=environment(hub, tmp_path), capture_output=True, text=True, check=True)
        return result.stderr, result.stdout.splitlines()[-3:]

    assert said(names[2])[0] == ""
    warned, (cached, commit, absent) = said(*names)
    told = f"revision 'main' of org/single may name another commit tomorrow: write its current commit, {COMMIT}"
    # Once, though three sources were resolved.
    assert warned == f"warning: {told}\n"
    assert (cached, commit) == (told, "None")
    assert absent.startswith("revision 'main' of org/sharded may name another commit tomorrow, and the weights are not")
    assert "`numprobe add-model org/sharded` shows the commit" in absent


def test_without_a_token(hub, tmp_path):
    sources = [
        ({"id": "org/gated"}, True),
        ({"id": "org/absent"}, True),
        ({"id": "org/sharded", "revision": "v9"}, True),
        ({"id": "org/pickled"}, True),
    ]
    gated, absent, revision, pickled = [text for _, text in resolve(hub, tmp_path, *sources)]
    assert gated.startswith("org/gated is gated and no token was found: accept its terms at https://huggingface.co/org")
    assert gated.endswith("then log in with `hf auth login` or set HF_TOKEN")
    assert absent.startswith("org/absent is not on the Hugging Face hub, or is private")
    assert revision == "org/sharded has no revision 'v9' on the Hugging Face hub"
    assert pickled.startswith("org/pickled has no safetensors weights")
    assert all("\n" not in text for text in (gated, absent, revision, pickled))


def test_tokens_that_do_not_open_a_model(hub, tmp_path):
    ((_, closed),) = resolve(hub, tmp_path, ({"id": "org/gated"}, True), token=CLOSED)
    assert closed.startswith("org/gated is gated and your token gives no access: accept its terms")
    ((_, refused),) = resolve(hub, tmp_path, ({"id": "org/gated"}, True), token=REFUSED)
    assert refused.startswith("org/gated cannot be fetched, the Hugging Face hub rejects your token")
    ((_, commit),) = resolve(hub, tmp_path, ({"id": "org/gated", "embeddings_only": True}, True), token=OPENS)
    assert commit == COMMIT


def test_offline_only_what_is_in_the_cache(hub, tmp_path):
    whole, tokenizer = ({"id": "org/sharded"}, True), ({"id": "org/sharded"}, False)
    ((_, message),) = resolve(hub, tmp_path, whole, offline=True)
    assert "HF_HUB_OFFLINE forbids fetching it" in message
    ((folder, _),) = resolve(hub, tmp_path, tokenizer)
    (found, (_, message)) = resolve(hub, tmp_path, tokenizer, whole, offline=True)
    assert found == [folder, COMMIT]
    assert message.startswith("org/sharded is not, or not completely, in the local cache, and HF_HUB_OFFLINE forbids")


def test_a_hub_that_cannot_be_reached(hub, tmp_path):
    hub.url = "http://127.0.0.1:9"
    ((_, message),) = resolve(hub, tmp_path, ({"id": "org/single"}, True))
    assert "the Hugging Face hub cannot be reached" in message
    assert "\n" not in message


def test_the_card_and_the_embeddings_of_a_model_that_is_never_loaded(hub, tmp_path, sharded):
    source = json.dumps({"kind": "hub", "id": "org/sharded", "revision": "main", "embeddings_only": True})
    name = ["--name", "big", "--layers", 3, "--width", 32]
    run_program(hub, tmp_path, "describe_model", "--source", source, *name, "--output", tmp_path / "card.json")
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["revision"] == card["source"]["revision"] == COMMIT
    assert card["weights_sha256"] == weights_sha256(sharded, embeddings_only=True) != weights_sha256(sharded)
    assert (card["layers"], card["width"], card["parameters"]) == (3, 32, None)
    folder = tmp_path / "vocabulary"
    run_program(
        hub, tmp_path, "extract_vocabulary", "--model", "big", "--source", source, "--maximum", 99, "--output", folder
    )
    assert read_manifest(folder)["revision"] == COMMIT
    assert hub.fetched(".safetensors") == embedding_shards(sharded)
    tokens = [word_tokenizer().convert_tokens_to_ids(str(value)) for value in range(100)]
    for layer, name in (("embedding", "model.embed_tokens.weight"), ("unembedding", "lm_head.weight")):
        np.testing.assert_array_equal(read_states(folder, layer), read_rows(sharded, name, tokens))
