"""Controllers: tags, drivers, the poll that reads them, and a simulated plant."""
