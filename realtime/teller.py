"""A web process writes its figures for the others: who is asked for metrics answers for all of them."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError

from ms5.processes.runs import tell
from realtime.ending import end
from realtime.figures import TOLD_EVERY_S, figures

if TYPE_CHECKING:
    from realtime.hub import Hub

log = logging.getLogger(__name__)

WEB = "web"


class Teller:
    """One task per hub; its run is a row of `ms5.processes`."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._run_id: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="hub.tell")

    async def stop(self) -> None:
        await end(self._task)

    async def tell(self) -> None:
        """Write the figures as of now. Raises what the database raises."""
        now = datetime.now(UTC)
        self._run_id = await self._hub.threads.run(tell, self._run_id, WEB, figures(), now)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(TOLD_EVERY_S)
            try:
                await self.tell()
            except (DatabaseError, InterfaceError) as failure:
                log.warning("figures cannot be told", extra={"error": str(failure).strip()})
            except Exception:  # the task must outlive a mistake in one of the figures
                log.exception("figures cannot be told")
