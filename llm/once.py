"""Do a thing once, however many ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Once(Generic[Result]):
    """Work under way, by key."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[Result]] = {}

    async def do(self, key: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """Return what ``work`` gives; who comes while it is under way waits for the same.

        An error goes to all of them. When the first is cancelled, the next begins anew.
        """
        while (other := self._under_way.get(key)) is not None:
            await asyncio.wait([other])
            if not other.cancelled():
                return other.result()
        mine: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._under_way[key] = mine
        try:
            result = await work()
        except Exception as error:
            mine.set_exception(error)
            mine.exception()  # So that nobody complains where nobody waits.
            raise
        except BaseException:
            mine.cancel()
            raise
        else:
            mine.set_result(result)
            return result
        finally:
            del self._under_way[key]
