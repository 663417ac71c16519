"""Problem statements, export formats, grading."""

NEAREST = 50
"""Tests of PASS_TO_PASS that leave with a task, where an export names no other number."""
