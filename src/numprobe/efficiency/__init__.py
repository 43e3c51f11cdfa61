"""How much data a probe needs: accuracy against the amount of training data, and prequential code lengths."""
