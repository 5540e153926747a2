"""The pages of calls, of who is told of them, and by which rules the system raises them."""

from andon.admin import calls, deliveries, policies, roster, rules

__all__ = ["calls", "deliveries", "policies", "roster", "rules"]
