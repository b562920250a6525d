"""/v1: what an integrator's backend calls."""
