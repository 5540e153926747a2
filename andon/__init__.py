"""Andon calls and their escalation: not built yet, and nothing here pretends otherwise."""
