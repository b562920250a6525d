"""Tools for assistants, called through the protocol's own client."""
