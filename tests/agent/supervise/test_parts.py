import asyncio
from collections.abc import Awaitable, Callable

from agent.supervise.parts import Part, Parts


class Diary:
    """Runs parts that only note when they start and stop."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def work(self, name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.lines.append(f"{name} starts")
            try:
                await asyncio.Event().wait()
            finally:
                self.lines.append(f"{name} stops")

        return run


async def test_a_reload_touches_only_what_changed() -> None:
    diary = Diary()
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(tasks)
        await parts.apply([Part(n, 1, diary.work(n)) for n in ("a", "b", "c")])
        await asyncio.sleep(0)
        touched = await parts.apply(
            [
                Part("a", 1, diary.work("a")),
                Part("b", 2, diary.work("b2")),
                Part("d", 1, diary.work("d")),
            ]
        )
        await asyncio.sleep(0)
        assert touched == ["b", "c", "d"]
        assert diary.lines[3:] == ["b stops", "c stops", "b2 starts", "d starts"]
        await parts.stop()
    assert diary.lines[-3:] == ["a stops", "b2 stops", "d stops"]


async def test_applying_the_same_again_touches_nothing() -> None:
    diary = Diary()
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(tasks)
        await parts.apply([Part("a", 1, diary.work("a"))])
        await asyncio.sleep(0)
        assert await parts.apply([Part("a", 1, diary.work("a"))]) == []
        assert diary.lines == ["a starts"]
        await parts.stop()
