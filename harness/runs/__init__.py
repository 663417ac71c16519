"""Run tests in a sandbox, and select those that can notice a change."""
