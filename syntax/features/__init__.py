"""What a bug looks like, as numbers: read from its files before and after, and from nothing else.

Comments, docstrings and layout are no part of a bug, so they count in no feature.
"""
