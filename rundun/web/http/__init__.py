"""Requests on their way in: whose key it is, bodies, queries, limits, turns; problems. It imports no entry point."""
