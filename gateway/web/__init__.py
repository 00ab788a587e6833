"""The HTTP face of the gateway: API, authentication, OpenAPI."""
