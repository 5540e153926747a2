"""The one door for writes: an action is one transaction, its locks first, its facts last."""

from production.actions.baselines import begin_anew
from production.actions.context import set_context
from production.actions.losing import lose, silence
from production.actions.observing import observe

__all__ = ["begin_anew", "lose", "observe", "set_context", "silence"]
