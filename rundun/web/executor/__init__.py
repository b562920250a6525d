"""The executor's page and its requests: /r."""
