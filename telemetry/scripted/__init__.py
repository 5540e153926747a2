"""A day of the bagging line that is known beforehand: the script, its answer key, and what was measured."""
