"""The log that carries every fact and gauge from the floor to whoever listens."""
