"""The live path: targets, groups, the hub, the sockets and their snapshots."""
