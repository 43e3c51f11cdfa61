import json

import pytest

from numprobe.errors import NumprobeError
from numprobe.training.specification import ARCHITECTURES, Specification


def test_everything_has_a_default():
    specification = Specification.from_mapping({})
    assert specification == Specification()
    assert specification.as_dict()["hidden_size"] == 128


def test_a_specification_survives_json():
    specification = Specification.from_mapping({"architecture": "olmo2", "steps": 20, "checkpoints": [10, 0]})
    assert specification.checkpoints == (0, 10)
    assert Specification.from_mapping(json.loads(json.dumps(specification.as_dict()))) == specification


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"stesp": 3}, "train.stesp is no key"),
        ({"architecture": "gpt2"}, "train.architecture = 'gpt2'.*llama, olmo2, phi3"),
        ({"steps": 0}, "train.steps = 0"),
        ({"steps": True}, "train.steps = True"),
        ({"steps": 1.5}, "train.steps = 1.5"),
        ({"n_layers": "4"}, "train.n_layers = '4'"),
        ({"checkpoints": 5}, "train.checkpoints = 5"),
        ({"checkpoints": [-1]}, r"train.checkpoints = \[-1\]"),
        ({"checkpoints": [5, 5]}, "train.checkpoints"),
        ({"steps": 10, "checkpoints": [10]}, "train.checkpoints holds 10, but the run ends at step 10"),
        ({"batch_scale": 0}, "train.batch_scale = 0"),
        ({"batch_scale": float("nan")}, "train.batch_scale"),
        ({"dtype": "float16"}, "train.dtype = 'float16'"),
        ({"block_rate": -1}, "train.block_rate"),
        ({"hidden_size": 100, "heads": 3}, "train.hidden_size = 100.*train.heads = 3"),
        ([1], "must be a JSON object"),
    ],
)
def test_bad_keys_and_values_are_named(content, message):
    with pytest.raises(NumprobeError, match=message):
        Specification.from_mapping(content)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_given_rate_replaces_the_architectures_own(architecture):
    own = Specification(architecture=architecture).rates
    given = Specification(architecture=architecture, embedding_rate=0.5).rates
    assert given == (own[0], 0.5, own[2])
