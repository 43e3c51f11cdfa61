"""Interventions on hidden states along the directions that encode numbers, and their effect on the answers."""
