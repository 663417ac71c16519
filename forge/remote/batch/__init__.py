"""Bugs that are judged elsewhere: packed, sharded, judged by a job, and brought back."""
