"""Deliveries: the outbox, the log of attempts, default webhooks and webhooks' secrets."""
