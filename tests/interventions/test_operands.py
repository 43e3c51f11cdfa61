import polars as pl
import pytest

from interventions.operand_model import SPLIT, operand_model
from numprobe.errors import NumprobeError
from numprobe.interventions.operands import in_symbols, operand_questions


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return operand_model(tmp_path_factory.mktemp("operands") / "states", "code")


def test_sums_and_differences_in_symbols_are_asked(model):
    asked = operand_questions(model.questions, "b", model.patterns, SPLIT)
    assert set(asked.table["template"]) == {"{a} + {b} = {c}", "{a} - {b} = {c}"}
    wordings = model.questions.take((model.questions.table["template"] == "{a} plus {b} is {c}").to_numpy())
    with pytest.raises(NumprobeError, match="no sum or difference in symbols has an operand b"):
        operand_questions(wordings, "b", model.patterns, SPLIT)


def test_symbols_are_found_behind_examples_and_in_a_chat():
    templates = ["1 + 2 = 3\n{a} + {b} = {c}", "<s>user\n{a} - {b} =</s>{c}", "1 + 2 = 3\n{a} plus {b} is {c}"]
    assert pl.DataFrame({"template": templates}).select(in_symbols()).to_series().to_list() == [True, True, False]
