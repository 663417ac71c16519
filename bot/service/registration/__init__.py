"""Register the GitHub App: manifest, permissions, credentials."""
