"""Read pull requests and the issues they close from a clone's own history."""
