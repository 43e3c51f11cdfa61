"""Sample efficiency of probes: accuracy by amount of training data, and prequential code lengths."""
