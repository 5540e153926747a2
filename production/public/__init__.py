"""The public form of every subject: what a fact says is what a snapshot says."""

from production.public.equipment import fault_of, state_of

__all__ = ["fault_of", "state_of"]
