"""Find an environment that serves: try plans, repair them, take the baseline."""
