"""Prompt tables: texts with a number in them and the place where it stands."""
