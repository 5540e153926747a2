"""The end of tasks: asked to end, and waited for."""

import asyncio


async def end(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel the tasks and wait until they have ended; None is no task. What they raised is of no interest."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
