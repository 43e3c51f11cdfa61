"""Load a model that answers questions, and its questions."""

from dataclasses import dataclass
from pathlib import Path

from numprobe.activations.locate import longest_sequence
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions, find_questions
from numprobe.errors import NumprobeError
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.prompted import model_prompts
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.table import read_prompts
from numprobe.tables import read_metadata


@dataclass(frozen=True)
class AnswerSettings:
    """Settings of a model that answers.

    Attributes
    ----------
    source
        Where the model comes from.
    dtype, device
        Type of the weights and device (`numprobe.models.load.load_model`).
    batch_tokens
        Maximum number of tokens per batch.
    """

    source: ModelSource
    dtype: str = "float32"
    device: str = "auto"
    batch_tokens: int = 16384


def load_answer_model(settings: AnswerSettings) -> AnswerModel:
    """Load a model with its head, and its tokenizer.

    Raises
    ------
    NumprobeError
        If the model cannot be read or is an encoder.
    """
    numbers = NumberTokenizer(
        load_tokenizer(settings.source), settings.source.prefix_token, settings.source.single_tokens
    )
    model = load_model(settings.source, settings.dtype, settings.device, head=True)
    answer_model = AnswerModel(model, numbers, settings.batch_tokens)
    if answer_model.parts.facts.encoder:
        raise NumprobeError("an encoder predicts no next token, so it cannot be asked: leave it out of this experiment")
    return answer_model


def load_questions(answer_model: AnswerModel, prompts: str | Path) -> Questions:
    """Read a prompt table, and cut its prompts before their answers.

    Raises
    ------
    NumprobeError
        If no prompt asks for a result.
    """
    longest = longest_sequence(answer_model.parts.config, answer_model.numbers.tokenizer)
    given = model_prompts(read_prompts(prompts), read_metadata(prompts), answer_model.numbers.tokenizer)
    return find_questions(given.table, answer_model.numbers, longest, given.examples)
