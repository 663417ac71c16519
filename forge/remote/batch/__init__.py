"""Bugs that are judged elsewhere: packed, sharded, judged by a job, and brought back."""

PLAN = "plan.json"
"""What tells of a batch, in its folder."""
