"""What all of the service stands on: settings, the store behind a thread, retries, metrics."""
