"""The OpenAPI document, made of the routes and of the types that the code reads and writes with. It changes nothing."""
