"""Issue-linked pull requests: crawl them, choose, and undo each fix on today's code."""
