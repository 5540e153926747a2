"""The fault run: a whole stack is hurt in every way the table names, and nothing may be lost."""
