"""How times are printed; Django looks here by language."""
