"""Runs a repository's tests inside a sandbox, and says what came of each.

A package without dependencies (Python 3.8 or newer) that goes into a sandbox as one archive
(``harness/runner_archive.py``), where it is called ``bugfoundry_runner``: so its modules import
each other by relative names, and no name of theirs can meet one of the repository's. Its roles:

- ``runner.zip serve [FOLDER ...]``: long-lived; reads requests and writes answers as frames
  (4-byte big-endian length, then a JSON object) on descriptors that nothing else can reach. It
  runs nothing of the repository itself. With folders it is alone in a sandbox of its own: it
  empties them after each run, and kills every process it finds.
- ``runner.zip pytest``: one run in a fresh process, with ``plugin.py`` as the pytest plugin;
  outcomes come from pytest's own reports and go through a pipe, never through text.
- ``runner.zip forker`` and ``keeper``: processes that are held ready, and fork for each run.
"""
