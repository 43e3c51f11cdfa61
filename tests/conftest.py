"""Settings of all tests."""

from hypothesis import settings

# A slow machine fails no test, and two runs of the same code try the same examples. New ones:
# pytest --hypothesis-profile=explore
settings.register_profile("numprobe", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("numprobe")
