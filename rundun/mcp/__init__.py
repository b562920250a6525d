"""Tools for assistants: a server of the Model Context Protocol over stdio, and its client of `/v1`."""
