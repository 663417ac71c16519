"""Ask GitHub, within its limits, for merged pull requests and the issues they close."""
