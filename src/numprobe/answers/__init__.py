"""Answers of models to arithmetic prompts, and forward passes whose states are changed on the way."""
