"""The true number written into the last state before the answer (oracle), beside wrong numbers and random directions."""
