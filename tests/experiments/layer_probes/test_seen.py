import numpy as np
import polars as pl
import pytest
from tests.probes.planted import waves

from numprobe.errors import NumprobeError
from numprobe.experiments.layer_probes.seen import SEEN, control_task, fit_seen, fit_seen_iteratively, prompt_groups
from numprobe.probes.settings import make_settings

VALUES = np.tile(np.arange(100), 8)
GROUP = np.repeat(np.arange(4), 200)


def noisy_waves(noise: float = 0.05) -> np.ndarray:
    return waves(VALUES, width=24, noise=noise, periods=(2, 5, 10, 100))


def right(probe, states, labels):
    tested = GROUP == 0
    return (probe.decode(states[tested], "0", SEEN) == labels[VALUES[tested]]).mean()


def test_prompts_of_each_number_are_dealt_out_evenly_and_copies_stay_together():
    random = np.random.default_rng(0)
    table = pl.DataFrame({"number": VALUES, "a": random.integers(0, 20, 800), "b": VALUES, "operation": "+"})
    group = prompt_groups(table, 4, 0)
    texts = table.with_columns(group=group).group_by("number", "a").agg(pl.col("group").n_unique())
    assert (texts["group"] == 1).all()
    counts = table.unique(["number", "a"]).join(
        table.with_columns(group=group).unique(["number", "a"]), on=["number", "a"]
    )
    sizes = counts.group_by("number", "group").len().group_by("number").agg(pl.col("len").max() - pl.col("len").min())
    assert sizes["len"].max() <= 1
    assert np.array_equal(group, prompt_groups(table, 4, 0)) and not np.array_equal(group, prompt_groups(table, 4, 1))


@pytest.mark.parametrize("prompts", [1, 2])
def test_numbers_with_too_few_prompts_to_train_choose_and_test_are_refused(prompts):
    table = pl.DataFrame({"number": np.repeat(np.arange(50), prompts), "a": range(50 * prompts)})
    with pytest.raises(NumprobeError, match="3 prompts or more"):
        prompt_groups(table, 4, 0)


def test_three_prompts_of_each_number_are_enough_to_fit():
    """One tests, one trains, one chooses the penalties."""
    values = np.tile(np.arange(100), 3)
    states = waves(values, width=24, noise=0.05, periods=(2, 5, 10, 100))
    group = prompt_groups(pl.DataFrame({"number": values, "a": range(300)}), 4, 0)
    ((probe,),) = fit_seen(states, values, group, ["digits"], [np.arange(100)])
    assert (probe.decode(states[group == 0], "0", SEEN) == values[group == 0]).mean() > 0.5


def test_a_number_whose_prompts_are_copies_by_chance_does_not_matter():
    table = pl.DataFrame({"number": np.repeat(np.arange(50), 3), "a": [7, 7, *range(148)]})
    group = prompt_groups(table, 4, 0)
    assert group[0] == group[1] and set(group) == {0, 1, 2}


def test_a_control_task_gives_every_number_one_label_of_its_own():
    task = control_task(5, 104, 0)
    assert sorted(task) == list(range(5, 105)) and (task != np.arange(5, 105)).mean() > 0.9


def test_a_code_is_read_and_random_labels_of_the_same_states_are_hard_to_learn():
    states = noisy_waves()
    tasks = (np.arange(100), control_task(0, 99, 0))
    (digits, _), (random_digits, random_linear) = fit_seen(states, VALUES, GROUP, ["digits", "linear"], tasks)
    assert right(digits, states, tasks[0]) > 0.8 > 2 * right(random_digits, states, tasks[1])
    assert right(random_linear, states, tasks[1]) < 0.1


def test_states_that_are_one_hot_are_learned_by_heart():
    """With a direction for every number, random labels are as easy as true ones: selectivity is 0."""
    states = np.eye(100)[VALUES] + 0.01 * np.random.default_rng(0).standard_normal((800, 100))
    tasks = (np.arange(100), control_task(0, 99, 0))
    (true,), (random,) = fit_seen(states, VALUES, GROUP, ["digits"], tasks)
    assert right(true, states, tasks[0]) == right(random, states, tasks[1]) == 1


def test_test_prompts_do_not_train():
    states = noisy_waves()
    changed = np.where((GROUP == 0)[:, None], -states, states)
    tasks = [np.arange(100)]
    ((before,),), ((after,),) = (fit_seen(array, VALUES, GROUP, ["digits"], tasks) for array in (states, changed))
    names = before.tensors["0", SEEN]
    assert all(np.array_equal(names[name], after.tensors["0", SEEN][name]) for name in names)


def test_constant_states_cannot_be_fitted():
    assert fit_seen(np.ones((800, 24)), VALUES, GROUP, ["digits"], [np.arange(100)]) is None


def test_a_network_can_be_trained_on_seen_numbers():
    states = noisy_waves().astype(np.float32)
    settings = make_settings("mlp", {"latent": 64, "steps": 100, "learning_rates": 1e-2})
    probe = fit_seen_iteratively(states, VALUES, GROUP, "mlp", settings, np.arange(100), 0)
    assert right(probe, states, np.arange(100)) > 0.9
