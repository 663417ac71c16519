"""Ask GitHub, within its limits, for merged pull requests and the issues they close."""

PUBLIC = "https://api.github.com"
"""REST API of the public GitHub."""
