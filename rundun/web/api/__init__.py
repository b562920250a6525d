"""The API that an integrator's backend calls: /v1."""
