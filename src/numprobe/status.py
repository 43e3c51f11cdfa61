"""The columns `status` and `note` of tables of measurements: why a row has no value."""

from enum import StrEnum


class Status(StrEnum):
    """Values of the column `status`; the column `note` says more."""

    #: The row holds a measurement.
    MEASURED = "measured"
    #: The combination makes no sense for the model, or the model lacks what it needs.
    NOT_APPLICABLE = "not applicable"
    #: All states of the layer are one vector, so there is nothing to read.
    CONSTANT_STATE = "constant state"
    #: The model gives too few right, wrong or different answers.
    TOO_FEW_ANSWERS = "too few answers"
    #: The quantity has no value on these data, as a share of nothing.
    UNDEFINED = "undefined"


def not_applicable(reason: str) -> dict[str, str]:
    """Return the columns of a row for a combination that cannot be measured."""
    return {"status": Status.NOT_APPLICABLE, "note": reason}


def constant_state() -> dict[str, str]:
    """Return the columns of a row for a layer whose states are all one vector."""
    return {"status": Status.CONSTANT_STATE}


def too_few_answers(reason: str) -> dict[str, str]:
    """Return the columns of a row for a model with too few answers of some kind."""
    return {"status": Status.TOO_FEW_ANSWERS, "note": reason}


def undefined(reason: str) -> dict[str, str]:
    """Return the columns of a row for a quantity that has no value on its data."""
    return {"status": Status.UNDEFINED, "note": reason}


def in_words(status: str | None, note: str | None) -> str:
    """Return what figures and pages say in place of a value; nothing where there is nothing to say."""
    if status == Status.NOT_APPLICABLE:
        return f"{status}: {note}"
    return note or ("" if status in (None, Status.MEASURED) else status)
