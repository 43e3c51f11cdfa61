"""How much data a probe needs: accuracy by amount of training data, and prequential code lengths."""
