"""/docs and /v1/openapi.json."""
