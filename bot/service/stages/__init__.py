"""The long work for a repository that is opted in: one module for each kind of job.

Everything is stored as soon as it is known and keyed by content, so a stage that was cut off is
begun anew and goes on where it was.
"""
