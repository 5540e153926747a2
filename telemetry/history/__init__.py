"""A believable past of the demo bakery, written by the same actions that write its present."""
