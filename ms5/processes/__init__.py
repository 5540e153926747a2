"""What runs: heartbeats of processors and leases that a dead holder loses."""
