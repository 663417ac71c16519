"""GitHub Actions as the engine that judges at scale."""
