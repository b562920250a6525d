"""The documentation /docs, and the OpenAPI document /v1/openapi.json."""
