"""Detect and build an environment, run tests in sandboxes, judge bugs."""
