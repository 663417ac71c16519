"""The report: what came of all bugs, how hard they are, and how near to people's, on one page."""
