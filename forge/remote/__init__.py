"""Judge bugs on other machines: batches, GitHub Actions, campaigns."""
