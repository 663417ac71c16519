"""Grade patches: one, many, those of agents; verify, audit and probe the tasks themselves."""
