"""Runs a task for ever: retries what may pass, parks what cannot, counts what is a bug."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.contract import GatewayError, Misconfigured

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restarts:
    """Seconds. A run that lasts `healthy_after` wipes the slate clean; five bugs in a row of one
    driver take some 130 s, and are no healthy run."""

    first: float = 1.0
    longest: float = 60.0
    healthy_after: float = 300.0
    bugs_allowed: int = 5

    def delay(self, attempt: int) -> float:
        """Before the given attempt (1, 2, …) to come back."""
        return min(self.longest, self.first * 2.0 ** (attempt - 1))


PATIENT = Restarts()


@dataclass(slots=True)
class _Slate:
    failures: int = 0
    bugs: int = 0


async def keep_running(
    name: str, work: Callable[[], Awaitable[None]], restarts: Restarts = PATIENT
) -> None:
    """Returns when `work` returns or is Misconfigured; raises after too many bugs in a row."""
    clock = asyncio.get_running_loop().time
    slate = _Slate()
    while True:
        started = clock()
        try:
            await work()
        except Misconfigured as error:
            log.error("%s: parked: %s; %s", name, error, error.hint)
            return
        except Exception as error:
            if clock() - started >= restarts.healthy_after:
                slate = _Slate()
            _note(name, error, slate)
            if slate.bugs > restarts.bugs_allowed:
                raise
        else:
            return
        await asyncio.sleep(restarts.delay(slate.failures))


def _note(name: str, error: Exception, slate: _Slate) -> None:
    """Counts it; complains once for a lost link, with a traceback for a bug."""
    slate.failures += 1
    if isinstance(error, GatewayError):
        level = logging.WARNING if slate.failures == 1 else logging.DEBUG
        log.log(level, "%s: %s; trying again until it passes", name, error)
    else:
        slate.bugs += 1
        log.error("%s: bug %d in a row; starting it again", name, slate.bugs, exc_info=error)
