"""Actions on deliveries: the results of attempts, alerts, and default webhooks."""
