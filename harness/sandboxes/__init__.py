"""Sandboxes, local and Docker: where untrusted code runs, and within which limits."""
