"""How fast events reach a thousand sockets: this server beside the two usual ways to build one."""
