"""Names of the controls of interventions, in the column `control`."""

#: Another number is written instead of the intended one.
WRONG_NUMBER = "wrong number"
#: A random direction with the norm of the change that it is compared with.
RANDOM_DIRECTION = "random direction"
#: A random subspace of the same rank, with a change of the norm of the one that it is compared with.
RANDOM_SUBSPACE = "random subspace"
#: The component in a random subspace of the same rank, whatever its norm.
RANDOM_COMPONENT = "random component"
