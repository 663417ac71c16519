"""Bugs made by changing the syntax tree."""
