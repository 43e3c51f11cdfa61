"""The subspace that the model uses, found by interchange, beside that of the probe."""
