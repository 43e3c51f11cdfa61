"""What models answer to arithmetic prompts, and the forward passes whose states are changed on the way."""
