import numpy as np

from numprobe.interventions.choice import best_setting, is_validation


def test_a_number_is_always_on_the_same_side_and_half_of_all_choose():
    values = np.arange(1000)
    chosen = is_validation(values, 0)
    assert 400 < chosen.sum() < 600
    assert (is_validation(values[::-1].reshape(10, 100), 0).ravel() == chosen[::-1]).all()
    assert (is_validation(values, 1) != chosen).any()


def test_the_largest_gain_is_chosen_and_of_equals_the_smallest_change():
    gains = {("10", 0.5): 0.2, ("2", 0.5): 0.2, ("2", 0.25): 0.1, ("10", 1.0): 0.2}
    assert best_setting(gains) == ("2", 0.5)
