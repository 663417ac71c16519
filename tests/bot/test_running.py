import asyncio
import os
import signal

import pytest

from forge.run.async_work import StopRequested, run_interruptible


def test_the_result_of_the_work_comes_back() -> None:
    async def work() -> int:
        return 7

    assert run_interruptible(work) == 7


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_work_after_its_cleaning_up(number: int, code: int) -> None:
    cleaned = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    with pytest.raises(StopRequested) as stopped:
        run_interruptible(work)

    assert stopped.value.code == code
    assert cleaned == [True]
