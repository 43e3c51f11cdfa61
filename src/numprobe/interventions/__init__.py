"""Changes of hidden states along the directions in which they move with the number, and what the model answers then."""
