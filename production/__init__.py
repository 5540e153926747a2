"""The plant: lines, equipment, states, counts and everything that time makes of them."""
