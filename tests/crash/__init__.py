"""The full mixture of work on a service that is killed again and again, and the auditor of what it told."""
