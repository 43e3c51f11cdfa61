"""Names of the controls of interventions, in the column `control`."""

#: Another number is written instead of the one in question.
WRONG_NUMBER = "wrong number"
#: A random direction, as long as the change that it is compared with.
RANDOM_DIRECTION = "random direction"
#: A random subspace of the same rank, in which the change is as long as the one that it is compared with.
RANDOM_SUBSPACE = "random subspace"
#: The component in a random subspace of the same rank, however long it is.
RANDOM_COMPONENT = "random component"
