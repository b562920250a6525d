"""A webhook receiver in a process of its own: says its port, then one line of JSON for each request."""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Content with everything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()
        line = {"path": self.path, "headers": dict(self.headers), "body": base64.b64encode(body).decode()}
        print(json.dumps(line), flush=True)

    def log_message(self, format: str, *args: object) -> None:
        """Only requests are told."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
