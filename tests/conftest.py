"""Settings of all tests."""

from hypothesis import settings

# A slow machine fails no test.
settings.register_profile("numprobe", deadline=None)
settings.load_profile("numprobe")
