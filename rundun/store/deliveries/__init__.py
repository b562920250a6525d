"""Deliveries on their way: the outbox, attempts, and webhooks' secrets."""
