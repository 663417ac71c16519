"""One run: sources propose bugs of a prepared repository, an engine judges them."""
