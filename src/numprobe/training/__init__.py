"""Small language models trained from scratch, that know the numbers and the four operations."""
