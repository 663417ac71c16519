"""Search what a solver's environment holds for the fix: text, archives, byte-code, git history."""
