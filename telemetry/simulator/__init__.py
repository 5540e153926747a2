"""A simulated plant: controllers that speak real EtherNet/IP and Modbus TCP on loopback."""
