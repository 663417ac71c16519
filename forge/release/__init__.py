"""Let tasks out: through the gates, into a file."""
