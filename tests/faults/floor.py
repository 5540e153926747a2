"""The lines, machines and people of the fault run: what may be seen by all, and what by few."""

OWN = ("L-F1", "L-F2", "L-F3")
"""Lines of the ledger that every client may see."""
FOREIGN = "L-SECRET"
"""The line that the limited clients may not see. Its code stands in every byte about it."""
SECRET = "SECRET"
LINES = (*OWN, FOREIGN)
WRITERS = ("a", "b", "c")


def machine(line: str, writer: str) -> str:
    """Return the code of the machine on a line that one writer alone observes."""
    return f"{line.removeprefix('L-')}.{writer.upper()}"
