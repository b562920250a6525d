"""Deliveries: URLs of webhooks, forbidden addresses, delivery slots, signatures. It imports nothing of runs."""
