"""The one kind of error that is meant for users."""


class NumprobeError(Exception):
    """An error that the user can fix: the message names the key or file, the fault, and the remedy.

    Programs print only the message, without a traceback, and exit with status 1.
    """
