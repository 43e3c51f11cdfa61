"""Small language models trained from scratch on numbers and the four operations."""
