"""Models that are trained several times."""

from pathlib import Path

import pytest
import yaml
from config_schema import fill_defaults
from study import load_study
from study_trainings import training_entries

from numprobe.errors import NumprobeError
from numprobe.tables import read_table
from numprobe.training.specification import Specification

ROOT = Path(__file__).parents[2]
FURTHER = ["llama.seed2", "llama.seed3"]


def configured(seeds: int | None, **replicates: object) -> dict:
    config = yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())
    if seeds is not None:
        config["models"][0]["train"]["seeds"] = seeds
    if seeds is not None and seeds > 1:
        config["experiments"].append({"name": "replicates", **replicates})
    return config


@pytest.fixture
def study():
    return load_study(configured(3))


def test_one_seed_is_a_training_without_seeds():
    without, one = load_study(configured(None)), load_study(configured(1))
    assert one.models == without.models
    assert without.config["models"][0]["train"].get("seeds") is None


def test_the_first_training_is_the_model_itself(study):
    assert study.models["llama"] == load_study(configured(None)).models["llama"]
    assert study.trainings("llama") == ["llama", *FURTHER]
    assert study.specification("llama") == load_study(configured(None)).specification("llama")


def test_further_trainings_share_the_specification_but_checkpoints_and_controls(study):
    first, further = study.models["llama"].entry, study.models["llama.seed2"].entry
    assert first["train"]["checkpoints"] == [300]
    assert further["train"] == {**first["train"], "checkpoints": []}
    assert {study.specification(name) for name in FURTHER} == {study.specification("llama")}
    Specification.from_mapping(further["train"])
    assert [study.control_runs(name) for name in FURTHER] == [[], []]
    assert study.probe_controls("llama.seed2") == study.iterative_entries("llama.seed2", "number") == []
    assert study.contexts_of("llama.seed2") == study.contexts_of("llama")
    assert study.models["llama.seed2"].files[0].startswith("results/models/llama.seed2/")


def test_further_trainings_take_part_in_replicates_alone(study):
    assert set(FURTHER) <= set(study.models_of("replicates"))
    assert study.trained_again("replicates") == ["llama"]
    for entry in study.config["experiments"]:
        assert entry["name"] == "replicates" or not set(FURTHER) & set(study.models_of(entry["name"]))


def test_experiments_on_pairs_may_take_them_as_models():
    study = load_study(configured(3, experiments=["consistency"]))
    assert set(FURTHER) <= set(study.models_of("consistency"))
    assert not set(FURTHER) & set(study.models_of("rsa"))


def test_checkpoints_and_further_trainings_belong_to_their_model(study):
    assert study.origins == {"llama-step-300": "llama", "llama.seed2": "llama", "llama.seed3": "llama"}
    for own in ("llama", "llama.seed2", "llama-step-300"):
        assert study.unrelated_models(own) == ["olmo2", "phi3", "minilm"]
    assert study.unrelated_models("olmo2") == ["llama", "phi3", "minilm"]


def test_a_name_of_a_further_training_is_taken():
    config = configured(3)
    config["models"].append({**config["models"][4], "name": "llama.seed3"})
    with pytest.raises(NumprobeError, match=r"the name 'llama.seed3' is used 2 times"):
        load_study(config)


def test_a_model_that_leaves_the_measurement_out_is_named():
    config = configured(3)
    config["models"][0]["experiments"] = ["accuracy"]
    with pytest.raises(NumprobeError, match=r"train.seeds: is 3, but the model's experiments leave out replicates"):
        load_study(config)


@pytest.mark.parametrize("name", ["config", "full"])
def test_shipped_studies_train_llama_five_times(name):
    config = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
    fill_defaults(config)
    names = [entry["name"] for entry in training_entries(config)]
    assert [model for model in names if model.startswith("llama.")] == [f"llama.seed{seed}" for seed in range(2, 6)]


@pytest.mark.slow
class TestWholeRun:
    """The tiny study with two trainings."""

    @pytest.fixture
    def replicated(self, checkout):
        small = checkout.configuration()["models"][0]
        small |= {"train": {**small["train"], "checkpoints": [], "seeds": 2}, "contexts": ["number", "operand"]}
        experiments = [{"name": "accuracy"}, {"name": "transfer", "probe": "fourier"}, {"name": "replicates"}]
        probes = [{"name": "fourier"}, {"name": "linear"}]
        checkout.configure(models=[small], experiments=experiments, probes=probes, controls=[])
        return checkout

    def test_its_own_target_trains_again_and_measures(self, replicated):
        assert "train_model_small.seed2" not in replicated.planned("all")
        assert {"train_model_small.seed2", "summarise_trainings"} <= replicated.planned("replicates")
        replicated.snakemake("replicates")
        table = read_table(replicated.folder / "results/tables/replicates.parquet")
        assert set(table["model"]) == {"small"}
        assert set(table["n_trainings"]) == {2}
        assert set(table["fit_context"]) == {"number", "operand"}
        weights = replicated.results("models/*/model.safetensors")
        assert len(weights) == len(set(weights.values())) == 2
        assert "`replicates`" in (replicated.folder / "results/variance.md").read_text()
