"""/r: what the executor's phone opens and sends."""
