"""Choose the pull requests worth mirroring, and name why the others are left out."""
