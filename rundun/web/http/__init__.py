"""Incoming requests: authentication, bodies, queries, rate limits, fair queues, problems. It imports no entry point."""
