"""The one kind of error that is meant for people."""


class NumprobeError(Exception):
    """Something the user can mend: the message names the key or file, what is wrong, and the remedy.

    Programs print the message alone (no traceback) and exit with status 1.
    """
