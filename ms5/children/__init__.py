"""What whoever starts processes of its own needs: when to start one again, and that none outlives it."""
