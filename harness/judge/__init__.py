"""Judge bugs and grade patches: the rules, the workers, the engine of this machine."""
