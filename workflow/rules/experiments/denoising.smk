"""Without labels: the state moved towards the number that the probe reads in it."""
