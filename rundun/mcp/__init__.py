"""Tools for assistants: a server of the Model Context Protocol over stdio, and a client of `/v1` as any other."""
