"""Entries of a table's column `note`, for values that cannot be measured."""

#: All states of the layer are one vector, so there is nothing to read.
CONSTANT_STATE = "constant state"
#: Begins the note of a combination that makes no sense for the model; the reason follows.
NOT_APPLICABLE = "not applicable"
#: The `note` of a model that answers so few questions rightly that there is nothing to change.
TOO_FEW = "too few right answers"
