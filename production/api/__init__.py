"""The plant and its records over HTTP, to read."""

from production.api.routes import ROUTES

__all__ = ["ROUTES"]
