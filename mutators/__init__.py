"""Bugs made by changing the syntax tree."""

CANDIDATES = 3
"""Mistakes that ``modify`` asks for in one call: what is shown costs more than what is answered."""
