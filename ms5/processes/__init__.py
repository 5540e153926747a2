"""What runs: heartbeats of processors, runs of processes, leases that a dead holder loses, the canary."""
