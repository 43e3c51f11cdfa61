"""About how long a study takes."""

import pytest

from numprobe.quick_study.configuration import DEFAULT_CONTEXTS, quick_configuration
from numprobe.quick_study.plan import Work, forward_operations

CONTEXTS = [
    {"name": "operand", "kind": "operand", "per_value": 2},
    {"name": "natural", "kind": "natural", "texts": 300},
]


def test_operations_grow_with_the_weights_and_the_prompts():
    once = forward_operations(10, 100, CONTEXTS)
    assert forward_operations(20, 100, CONTEXTS) == 2 * once
    assert forward_operations(10, 200, CONTEXTS) == 4 * once
    assert forward_operations(10, 100, CONTEXTS[:1]) < once


def test_more_cores_and_a_gpu_take_less_time():
    work = Work(jobs=60, operations=1e14)
    assert work.minutes(4, "cpu") == pytest.approx(work.minutes(2, "cpu") / 2)
    assert work.minutes(2, "cuda") < work.minutes(2, "cpu")


def test_the_defaults_take_ten_minutes_at_most_for_a_small_model_and_on_a_gpu_for_one_of_a_billion():
    from types import SimpleNamespace

    from numprobe.models.facts import ModelFacts

    facts = ModelFacts(layers=30, encoder=False, final_norm=True, tied=True, unembedding=True)
    found = SimpleNamespace(entry={"name": "m"}, facts=facts)
    contexts = quick_configuration(found, DEFAULT_CONTEXTS, "cpu")["contexts"]
    # SmolLM2-135M; Llama 3.2 1B.
    assert Work(64, forward_operations(30, 576, contexts)).minutes(2, "cpu") <= 10
    assert Work(64, forward_operations(16, 2048, contexts)).minutes(2, "cuda") <= 10
