"""What it costs and how fast it is, measured side by side with an alternative."""
