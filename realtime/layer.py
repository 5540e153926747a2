"""The channel layer: that of channels-redis, which also sends many messages in one go."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer


class Layer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels-redis has no types
    """Sending one message at a time costs a turn of the event loop and an answer awaited for each.

    That was a quarter of the CPU of a worker with forty lines.
    """

    async def group_send_all(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Send each message to all subscribers of its group, as `group_send` does one by one; in order."""
        layer = self._get_layer()
        by_shard: dict[Any, list[tuple[str, bytes]]] = defaultdict(list)
        for group, message in messages:
            channel = layer._get_group_channel_name(group)  # noqa: SLF001 - channels-redis has no other door
            by_shard[layer._get_shard(channel)].append((channel, self.serialize(message)))  # noqa: SLF001 - as above
        for shard, some in by_shard.items():
            async with shard._lock:  # noqa: SLF001 - as above
                shard._ensure_redis()  # noqa: SLF001 - as above
                pipeline = shard._redis.pipeline(transaction=False)  # noqa: SLF001 - as above
                for channel, text in some:
                    pipeline.publish(channel, text)
                await pipeline.execute()
