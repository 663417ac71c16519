"""The store behind a thread of its own, so that nothing that waits is held up by the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from storage.store import Store

T = TypeVar("T")


class AsyncStore:
    """A store that is asked from async code; used as ``async with``.

    Whatever is asked runs in the order in which it was asked, one thing at a time.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        busy_timeout: float = 30.0,
        read_only: bool = False,
        lasting: bool = True,
        checkpoints: bool = True,
    ) -> None:
        self.path = Path(path)
        self._busy_timeout = busy_timeout
        self._read_only = read_only
        self._lasting = lasting
        self._checkpoints = checkpoints
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._store: Store | None = None

    async def __aenter__(self) -> Self:
        # SQLite's connection belongs to the thread that made it.
        self._store = await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self(lambda store: store.close())
        self._thread.shutdown()

    async def __call__(self, work: Callable[[Store], T]) -> T:
        """Return what ``work`` returns, given the store.

        It is done even when whoever asked for it is cancelled meanwhile.
        """
        store = self._store
        if store is None:
            raise RuntimeError("use Keeper as `async with Keeper(...) as keeper`")
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work, store))

    def _open(self) -> Store:
        return Store(
            self.path,
            busy_timeout=self._busy_timeout,
            read_only=self._read_only,
            lasting=self._lasting,
            checkpoints=self._checkpoints,
        )
