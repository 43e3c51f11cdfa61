"""What a configuration resolves to."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from study import Study, load_study

from models.gguf_files import small_model, write_gguf
from models.tiny import WIDTH, save, separate_space_tokenizer, tiny_model, word_tokenizer
from numprobe.errors import NumprobeError
from workflow.every import environment

ROOT = Path(__file__).parents[2]
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{0:064}\nsize 12345\n"


@pytest.fixture
def study():
    return load_study(yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text()))


def test_experiments_with_folds_of_their_own_have_a_split(study):
    numbers = {"minimum": 0, "maximum": 999, "inner": 3, "seed": 0}
    own = {**numbers, "scheme": "folds", "folds": 20}
    assert study.splits == {"study": {**numbers, "scheme": "folds", "folds": 10}, "embedding_probes": own}
    study.config["split"]["scheme"] = "paper"
    assert study.splits == {"study": {**numbers, "scheme": "paper", "folds": 10}, "embedding_probes": own}


def test_encoders_are_skipped_where_a_next_token_is_needed(study):
    assert study.not_applicable() == ["minilm:result:encoder"]
    assert "result" not in study.contexts_of("minilm")
    assert "result" in study.contexts_of("llama")


def test_checkpoints_share_the_untrained_control_of_their_model(study):
    untrained = {model for model, _ in study.runs() if model.endswith(".untrained")}
    assert untrained == {"llama.untrained", "olmo2.untrained", "phi3.untrained", "minilm.untrained"}


@pytest.fixture
def controlled():
    """A study in which llama has three untrained controls, and phi3 none but those that are fits."""
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["controls"] = ["shuffled", "gaussian", "untrained", "mixed"]
    config["models"][0]["untrained_seeds"] = 3
    config["models"][2]["controls"] = ["shuffled"]
    return load_study(config)


def test_controls_are_runs_of_their_own(controlled):
    assert controlled.control_runs("llama") == [
        "llama.untrained", "llama.untrained-2", "llama.untrained-3", "llama.mixed",
    ]  # fmt: skip
    assert controlled.control_runs("llama-step-300") == ["llama-step-300.mixed"]
    assert controlled.control_runs("phi3") == []
    assert controlled.run_contexts("llama.mixed") == ["number", "operand", "result", "natural"]
    assert controlled.layers("llama.mixed", "number") == ("mixed",)
    assert controlled.layers("llama.untrained-3", "number") == controlled.layers("llama", "number")
    assert controlled.probe_controls("llama.mixed") == controlled.probe_controls("llama.untrained-2") == []
    assert controlled.probe_controls("phi3") == ["shuffled"]
    assert controlled.iterative_entries("llama.mixed", "number") == []


def test_further_controls_come_behind_all_runs_and_stay_out_of_what_is_about_the_model(controlled, study):
    runs, plain = controlled.all_runs("accuracy"), controlled.runs("accuracy")
    assert runs[: len(plain)] == plain
    assert len(set(runs)) == len(runs)
    further = {run for run, _ in runs} - {run for run, _ in plain}
    assert further == {
        "llama.untrained-2", "llama.untrained-3", "llama.mixed", "olmo2.mixed", "llama-step-300.mixed", "minilm.mixed",
    }  # fmt: skip
    assert ("llama.untrained-2", "vocabulary") in runs
    assert ("llama.mixed", "vocabulary") not in runs
    assert not {"result"} & {context for run, context in runs if run == "minilm.mixed"}
    assert study.all_runs() == study.runs()


def test_each_untrained_control_has_weights_of_its_own(controlled, study):
    seeds = [controlled.untrained_seed(run) for run in controlled.control_runs("llama")]
    assert len(set(seeds)) == 4
    assert (seeds[0], seeds[-1]) == (study.untrained_seed("llama.untrained"), None)


def test_layers_are_known_before_any_model_exists(study):
    assert study.layers("llama", "number") == ("0", "1", "2", "3", "4", "final_norm")
    assert study.layers("minilm.untrained", "number") == ("0", "1", "2", "3", "4", "5", "6")
    assert study.layers("olmo2", "vocabulary") == ("embedding", "unembedding")
    assert study.layers("llama", "vocabulary") == ("embedding",)


def test_untrained_weights_differ_between_models_of_one_shape(study):
    assert study.untrained_seed("llama.untrained") != study.untrained_seed("phi3.untrained")
    assert study.untrained_seed("llama") is None


def test_a_gguf_file_is_known_by_its_header_and_read_as_the_folder_it_becomes(tmp_path):
    file = write_gguf(tmp_path / "small.gguf", small_model(tied=False))
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][4] = {"name": "minilm", "source": "gguf", "path": str(file), "states": [0, 2, "final_norm"]}
    study = load_study(config)
    model = study.models["minilm"]
    assert study.layers("minilm", "number") == ("0", "2", "final_norm")
    assert study.layers("minilm", "vocabulary") == ("embedding", "unembedding")
    assert (model.width, model.has_untrained) == (WIDTH, True)
    assert Path(model.gguf).resolve() == file
    assert json.loads(model.source) == {"kind": "gguf", "folder": "results/models/minilm"}
    assert "results/models/minilm/conversion.json" in model.files
    assert study.models["llama"].gguf is None


def test_paper_study_holds_nothing_of_the_default_study():
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    resolved = load_study(default | paper)
    assert not {entry["name"] for entry in default["models"]} & set(resolved.models)


def test_a_model_may_name_its_experiments_and_contexts():
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][1] |= {"experiments": ["spectra", "rsa"], "contexts": ["vocabulary"]}
    study = load_study(config)
    assert study.models_of("spectra") == study.models_of() == list(study.models)
    assert "olmo2" not in study.models_of("accuracy")
    assert "olmo2" not in {model for model, _ in study.runs("accuracy")}
    assert "olmo2" not in study.models_of("rsa", "number")
    assert "olmo2" in study.models_of("rsa", "vocabulary")
    # Random rows of an embedding matrix are the control `gaussian` already.
    assert ("olmo2", "vocabulary") in study.runs()
    assert "olmo2.untrained" not in {model for model, _ in study.runs()}


def test_what_does_not_apply_is_told_of_models_that_take_part():
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][4] |= {"experiments": ["spectra"]}
    study = load_study(config)
    assert study.not_applicable("spectra") == ["minilm:result:encoder"]
    assert study.not_applicable("accuracy") == []


def test_relatives_of_a_model_are_no_other_models(study):
    assert study.unrelated_models("llama") == study.unrelated_models("llama-step-300") == ["olmo2", "phi3", "minilm"]
    assert study.unrelated_models("olmo2") == ["llama", "phi3", "minilm"]


def test_a_shared_code_needs_two_models_that_are_not_of_one_run():
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"] = [config["models"][0], config["models"][3]]
    config["probes"] = config["probes"][:5]
    config["experiments"] = [{"name": "shared_code"}]
    with pytest.raises(
        NumprobeError, match="'shared_code' needs one of its contexts in two models that are not of one"
    ):
        load_study(config)


def test_contexts_in_which_a_number_is_read_at_its_own_token(study):
    assert study.own_token_contexts("llama.untrained") == ["number", "operand", "natural"]


def test_bare_numbers_and_matrices_have_one_state_per_number(study):
    contexts = ("vocabulary", *study.contexts)
    assert [name for name in contexts if study.one_state(name)] == ["vocabulary", "number"]


def test_models_with_one_training_specification_differ_in_their_seed_alone():
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    twin = {"architecture": "llama", "steps": 600}
    config["models"].append({"name": "llama-again", "source": "train", "train": twin})
    study = load_study(config)
    assert study.specification("llama") == study.specification("llama-again") != study.specification("phi3")
    assert study.specification("llama-step-300") != study.specification("llama")
    assert study.specification("minilm") == "minilm"


def test_all_blocks_are_changed_unless_layers_are_named():
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][1]["states"] = [0, 2, 4, "final_norm"]
    config["experiments"] = [{"name": "patching"}, {"name": "denoising", "layers": [1, 2]}]
    study = load_study(config)
    assert study.changed_layers("patching", "llama") == ["1", "2", "3", "4"]
    assert study.changed_layers("patching", "olmo2") == ["2", "4"]
    assert study.changed_layers("denoising", "llama") == ["1", "2"]
    assert study.changed_layers("denoising", "olmo2") == ["2"]


def test_models_may_have_settings_of_their_own():
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    own = {"layers": [1], "rank": 4, "seeds": 1}
    config["experiments"] = [{"name": "causal_subspace", "seeds": 2, "pairs": 50, "settings_of": {"llama": own}}]
    study = load_study(config)
    shared = study.settings("causal_subspace", "olmo2")
    assert shared["seeds"] == 2 and shared["pairs"] == 50 and "rank" not in shared and "settings_of" not in shared
    assert study.settings("causal_subspace", "llama") == {**shared, **own}
    assert study.operand_layers("causal_subspace", "llama") == ["1"]
    assert study.operand_layers("causal_subspace", "olmo2") == [*study.models["olmo2"].layers]
    assert study.settings("steering", "llama") == {}


def test_models_may_have_sizes_of_their_own(study):
    study.models["minilm"].entry["sizes"] = {"operand": 3, "natural": 400}
    for run_model in ("minilm", "minilm.untrained"):
        assert study.prompts(run_model, "operand") == "results/prompts/operand/3.parquet"
        assert study.sized(run_model, "natural")["texts"] == 400
        assert study.sized(run_model, "operand")["per_value"] == 3
        assert study.prompts(run_model, "number") == "results/prompts/number.parquet"
    assert study.prompts("llama", "operand") == "results/prompts/operand.parquet"
    assert study.sized("llama", "operand") == study.contexts["operand"]


def test_trained_probes_are_a_target_of_their_own(study):
    trained = study.iterative_files("llama", "number")
    assert len(trained) == 6 and not set(trained) & set(study.accuracy_files("llama", "number"))
    others = [entry for entry in study.config["experiments"] if entry["name"] != "trained_probes"]
    assert set(trained) < set(Study(study.config | {"experiments": others}).accuracy_files("llama", "number"))


@pytest.fixture
def with_digits(tmp_path):
    """Return a function from the numbers' keys to the default study, in place of minilm one of few single tokens."""
    save(tmp_path / "digits", tiny_model("llama", head=True), separate_space_tokenizer())

    def resolve(entry=(), **numbers):
        config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
        config["models"][4] = {"name": "minilm", "source": "path", "path": str(tmp_path / "digits"), **dict(entry)}
        config["numbers"] |= numbers
        return load_study(config)

    return resolve


LEFT_OUT = "minilm:vocabulary:its numbers are several tokens"


@pytest.mark.parametrize("own", [True, False])
def test_a_head_of_its_own_is_seen_before_any_job_whatever_the_file_says(tmp_path, own):
    model = tiny_model("llama", head=True, tie_word_embeddings=not own)
    folder = save(tmp_path / "m", model, word_tokenizer())
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tie_word_embeddings": True}))
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][4] = {"name": "minilm", "source": "path", "path": str(folder)}
    layers = load_study(config).layers("minilm", "vocabulary")
    assert layers == (("embedding", "unembedding") if own else ("embedding",))


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", POINTER, "config.json is a Git LFS pointer"),
        ("config.json", '\ufeff{"model_type": "llama"}', "config.json begins with a byte-order mark"),
        ("config.json", '{"quantization_config": {"quant_method": "awq"}}', r"are quantised \(awq\)"),
        ("tokenizer.json", POINTER, "tokenizer.json is a Git LFS pointer"),
        ("tokenizer.json", '{"version": "9.0"}', "or of a newer version"),
        ("model.safetensors", POINTER, "model.safetensors is a Git LFS pointer"),
        ("model.safetensors", "x" * 99, "model.safetensors is not a complete safetensors file"),
        ("model.safetensors", None, "has no safetensors weights"),
    ],
)
def test_a_model_folder_that_cannot_be_read_is_refused_before_any_job(tmp_path, file, content, said):
    path = save(tmp_path / "m", tiny_model("llama", head=True), word_tokenizer()) / file
    path.unlink()
    if content is not None:
        path.write_text(content)
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][4] = {"name": "minilm", "source": "path", "path": str(tmp_path / "m")}
    with pytest.raises(NumprobeError, match=said):
        load_study(config)


def test_embeddings_of_a_model_that_writes_digits_are_left_out(with_digits):
    study = with_digits(fewest_single=101)
    assert study.models["minilm"].single_tokens == 100
    assert study.not_applicable() == study.not_applicable("spectra", ["vocabulary"]) == [LEFT_OUT]
    assert study.not_applicable("transfer", study.contexts) == []
    assert "minilm" not in study.models_of("rsa", "vocabulary")
    assert "minilm" in study.models_of("rsa", "number")
    assert {context for model, context in study.runs() if model.startswith("minilm")} == set(study.contexts)
    assert study.experiment_contexts("shared_code", "minilm") == ["number"]


def test_models_with_enough_single_tokens_keep_theirs(with_digits):
    assert with_digits(fewest_single=100).not_applicable() == []
    # Twenty folds of the embedding probes need forty numbers.
    assert with_digits(fewest_single=1).fewest_single == 40
    assert with_digits(fewest_single=5000).fewest_single == 1000


def test_an_entry_may_say_how_many_numbers_are_single_tokens(with_digits):
    assert with_digits({"single_tokens": 49}).not_applicable() == [LEFT_OUT]
    assert with_digits({"single_tokens": 50}).not_applicable() == []


def test_of_a_model_of_the_hub_enough_is_taken_for_granted(with_digits):
    hub = {"source": "hub", "id": "org/model", "n_layers": 3}
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"][4] = {"name": "minilm", **hub}
    assert load_study(config).not_applicable() == []
    config["models"][4] = {"name": "minilm", "single_tokens": 10, **hub}
    assert load_study(config).not_applicable() == [LEFT_OUT]


def test_the_vocabulary_of_a_gguf_file_tells_too(tmp_path):
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    file = write_gguf(tmp_path / "small.gguf", small_model())
    config["models"][4] = {"name": "minilm", "source": "gguf", "path": str(file)}
    config["numbers"]["fewest_single"] = 101
    study = load_study(config)
    assert (study.models["minilm"].single_tokens, study.not_applicable()) == (100, [LEFT_OUT])


def test_a_study_of_digits_alone_keeps_its_experiments_on_embeddings(with_digits):
    config = dict(with_digits(fewest_single=500).config)
    config["models"] = config["models"][4:]
    config["probes"] = config["probes"][:5]
    names = ["spectra", "rsa", "frequencies", "embedding_probes"]
    config["experiments"] = [{"name": name} for name in names]
    study = load_study(config)
    assert all(study.not_applicable(name) == [LEFT_OUT] for name in names)
    config["models"][0] = {**config["models"][0], "contexts": ["number"]}
    with pytest.raises(NumprobeError, match="none of the models has the contexts for it: 'spectra' needs 'vocabulary'"):
        load_study(config)


def test_single_tokens_alone_need_a_model_that_has_them(with_digits):
    said = "numbers.tokens: is 'single', but of 'minilm' only 10 of 0..999 are single tokens, too few for 10 fold"
    with pytest.raises(NumprobeError, match=said):
        with_digits({"single_tokens": 10}, tokens="single")
    with_digits({"single_tokens": 20}, tokens="single")


def test_the_operand_with_the_wider_range_is_changed(study):
    assert study.operand("steering", "result") == "b"
    study.contexts["result"]["operands"] = {"a": [0, 9]}
    assert study.operand("steering", "result") == "b"
    study.contexts["result"]["operands"] = {"a": [0, 999], "b": [0, 2]}
    assert study.operand("steering", "result") == "a"


def encoder_alone(context: str) -> dict:
    """The encoder in one context, with every experiment."""
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    config["models"] = [{**config["models"][4], "contexts": [context]}]
    config["probes"] = config["probes"][:7]
    config["experiments"] = [{k: v for k, v in entry.items() if k != "models"} for entry in config["experiments"]]
    return config


def refused(config: dict) -> set[str]:
    with pytest.raises(NumprobeError, match="none of the models has the contexts for it") as refusal:
        load_study(config)
    return {entry["name"] for entry in config["experiments"] if f"'{entry['name']}' needs" in str(refusal.value)}


def test_every_experiment_without_its_contexts_is_refused():
    config = encoder_alone("result")
    assert refused(config) == {entry["name"] for entry in config["experiments"]}


def test_experiments_that_pass_have_jobs(tmp_path):
    """An experiment that would join no tables would stop the run."""
    config = encoder_alone("vocabulary")
    without = refused(config)
    config["experiments"] = [entry for entry in config["experiments"] if entry["name"] not in without]
    names = [entry["name"] for entry in config["experiments"]]
    assert {"sites", "transfer"} <= without
    assert {"accuracy", "spectra"} <= set(names)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "-n", "-q", "-d", tmp_path]
    command += [*names, "--configfile", tmp_path / "config.yaml"]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
