"""Answers of models to arithmetic prompts, and forward passes with edited states."""
