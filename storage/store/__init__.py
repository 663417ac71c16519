"""The store: every record in one SQLite file."""

from storage.store.store import Store

__all__ = ["Store"]
