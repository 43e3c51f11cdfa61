"""The amount of data that a probe needs: accuracy against training data, and prequential code lengths."""
