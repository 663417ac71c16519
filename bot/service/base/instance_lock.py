"""One service for each store: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import StoreError


@contextmanager
def hold_service_lock(store: Path) -> Iterator[None]:
    """Hold the place of the only service on a store. Raises StoreError when it is taken."""
    place = store.with_name(f"{store.name}.lock")
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{place} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"another service runs on {store}; stop it first") from error
        yield
    finally:
        os.close(handle)
