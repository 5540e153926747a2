"""Calls, their policies, rosters and rules over HTTP."""

from andon.api.routes import ROUTES

__all__ = ["ROUTES"]
