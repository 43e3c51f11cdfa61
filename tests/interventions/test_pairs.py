import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from models.tiny import byte_tokenizer, word_tokenizer
from numprobe.errors import NumprobeError
from numprobe.interventions.asked_pairs import PROMPTS, ask_pairs
from numprobe.interventions.pairs import (
    PAIR,
    TEST,
    TRAIN,
    VALIDATION,
    PairPrompts,
    draw_pairs,
    interchange_split,
    numbers_of,
)
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.templates import RESULTS
from numprobe.splits import PAPER_TEST, PAPER_VALIDATION, make_split

STUDY = make_split(0, 99, "folds", 5, 3, 0)
SPLIT = interchange_split(STUDY, 0)
OPERATIONS = ("+", "-", "*", "/")


def test_the_parts_divide_the_numbers_and_those_that_test_are_unseen_by_the_first_fold():
    parts = [numbers_of(SPLIT, part) for part in (TRAIN, VALIDATION, TEST)]
    assert_array_equal(np.sort(np.concatenate(parts)), STUDY.values)
    assert_array_equal(parts[2], STUDY.values_in(STUDY.folds[0].test))
    assert len(parts[0]) > 3 * len(parts[1]) > 0 and SPLIT.folds[0].name == STUDY.folds[0].name


def test_the_papers_split_keeps_its_validation_and_test_numbers():
    split = interchange_split(make_split(0, 999, "paper", 1, 3, 0), 0)
    assert_array_equal(numbers_of(split, VALIDATION), PAPER_VALIDATION)
    assert_array_equal(numbers_of(split, TEST), PAPER_TEST)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("part", [TRAIN, VALIDATION, TEST])
@pytest.mark.parametrize("operand", ["a", "b"])
def test_pairs_interchange_numbers_of_their_part_and_change_the_result_within_the_range(operation, part, operand):
    prompts = PairPrompts(operand=operand)
    pairs = draw_pairs([operation], SPLIT, part, 60, 0, prompts)
    assert pairs.schema == PAIR and pairs.height > 20
    own = set(numbers_of(SPLIT, part).tolist())
    for row in pairs.iter_rows(named=True):
        compute = RESULTS[operation]
        results = [compute(row[a], row[b]) for a, b in PROMPTS[operand].values()]
        drawn, source, kept = (row[name] for name in (operand, f"source_{operand}", prompts.kept))
        assert {drawn, source} <= own and drawn != source and kept != row["other"]
        assert results[0] != results[-1] == row["number"] and all(0 <= result <= 99 for result in results)


def test_pairs_depend_on_the_seed_alone():
    assert draw_pairs(OPERATIONS, SPLIT, TEST, 40, 0).equals(draw_pairs(OPERATIONS, SPLIT, TEST, 40, 0))
    assert not draw_pairs(OPERATIONS, SPLIT, TEST, 40, 0).equals(draw_pairs(OPERATIONS, SPLIT, TEST, 40, 1))


@pytest.mark.parametrize("operand", ["a", "b"])
def test_the_prompts_of_a_pair_share_what_they_should(operand):
    numbers, prompts = NumberTokenizer(word_tokenizer()), PairPrompts(operand=operand)
    asked = ask_pairs(draw_pairs(["+", "-"], SPLIT, TEST, 40, 0, prompts), numbers, prompts)
    assert len(asked) == 40 == len(asked.base)
    assert asked.numbers.tolist() == asked.table[f"source_{operand}"].to_list()
    assert asked.tokens("base").tolist() == asked.base.table[f"token_{operand}"].to_list()
    for name, (a, b) in PROMPTS[operand].items():
        table = asked.questions[name].table[asked.order[name]]
        assert table["a"].to_list() == asked.table[a].to_list() and table["b"].to_list() == asked.table[b].to_list()
    assert asked.order["base"].tolist() == list(range(40))
    assert [numbers.written(int(token)) for (token,) in asked.answers] == [
        str(value) for value in asked.table["number"]
    ]


def test_where_numbers_are_single_tokens_pairs_of_others_are_left_out():
    numbers = NumberTokenizer(byte_tokenizer(), single_tokens=True)
    split = interchange_split(make_split(0, 150, "folds", 5, 3, 0), 0)
    pairs = draw_pairs(["+"], split, TRAIN, 300, 0)
    asked = ask_pairs(pairs, numbers)
    assert 0 < len(asked) < 300
    assert asked.table.select(pl.max_horizontal("b", "source_b", "number").max()).item() < 100
    large = pairs.filter(pl.col("number") > 100)
    with pytest.raises(NumprobeError, match=r"no two prompts can be interchanged: .* as one token of their own"):
        ask_pairs(large, numbers)
    several = ask_pairs(large, NumberTokenizer(byte_tokenizer()))
    assert {len(answer) for answer in several.answers} == {2} and {*several.lengths("base")} <= {1, 2}
