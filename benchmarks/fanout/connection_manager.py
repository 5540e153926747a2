"""The rival: FastAPI with the connection manager of its documentation, in one process, without Redis."""

import json
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class ConnectionManager:
    """The sockets that are open; an event goes to one after the other."""

    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active_connections.remove(websocket)

    async def broadcast(self, event: dict[str, Any]) -> None:
        for connection in self.active_connections:
            await connection.send_text(json.dumps(event))


app = FastAPI()
manager = ConnectionManager()


@app.websocket("/ws/line")
async def listen(websocket: WebSocket) -> None:
    """Serve a dashboard."""
    await manager.connect(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(websocket)


@app.websocket("/ws/publish")
async def publish(websocket: WebSocket) -> None:
    """Take events from whoever makes them."""
    await websocket.accept()
    try:
        while True:
            event = json.loads(await websocket.receive_text())
            # One client that left while it was its turn ends a broadcast, and must not end the benchmark.
            with suppress(WebSocketDisconnect, RuntimeError):
                await manager.broadcast(event)
    except WebSocketDisconnect:
        return
