import numpy as np
import torch

from numprobe.experiments.multi_token.lens import Head, LensSettings, fit_lens

RANDOM = np.random.default_rng(0)
CODES, WIDTH, CLASSES = RANDOM.standard_normal((60, 16)), 24, 60
LABELS = np.tile(np.arange(CLASSES), 20)
HELD = np.arange(CLASSES) % 5 == 0
SETTINGS = LensSettings(steps=120, evaluate_every=40)


def heads(seed=0):
    rows = torch.tensor(CODES @ np.random.default_rng(seed).standard_normal((16, WIDTH)), dtype=torch.float32)
    return Head(None, rows, None)


def read(states, head):
    train = ~HELD[LABELS]
    validation = (LABELS % 5 == 1)[train]
    lens = fit_lens(states[train], LABELS[train], validation, HELD, head, SETTINGS, 0)
    with torch.inference_mode():
        return lens(torch.tensor(states, dtype=torch.float32)).argmax(1).numpy()


def test_a_linear_code_is_translated_into_the_head_for_unseen_tokens():
    states = CODES[LABELS] @ RANDOM.standard_normal((16, WIDTH)) + 0.01 * RANDOM.standard_normal((len(LABELS), WIDTH))
    assert (read(states, heads()) == LABELS)[HELD[LABELS]].mean() > 0.3


def test_a_head_that_knows_nothing_of_the_code_reads_no_unseen_token():
    states = CODES[LABELS] @ RANDOM.standard_normal((16, WIDTH))
    permuted = Head(None, heads().rows[torch.tensor(RANDOM.permutation(CLASSES))], None)
    assert (read(states, permuted) == LABELS)[HELD[LABELS]].mean() < 0.1


def test_the_same_seed_trains_the_same_translator():
    states = CODES[LABELS] @ RANDOM.standard_normal((16, WIDTH))
    assert (read(states, heads()) == read(states, heads())).all()
