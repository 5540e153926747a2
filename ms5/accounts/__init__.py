"""Users, roles, tokens, and the record of what people did."""
