"""A small application behind the service's HTTP server, as a program: settings and patience come as JSON."""

import asyncio
import json
import sys

from rundun.config.connection_limits import ConnectionLimits
from rundun.config.loader import load
from rundun.logs import configure
from rundun.server import bind, serve


def program(given):
    """Serve until told to stop; says on standard output what happens when."""
    stop, go = asyncio.Event(), asyncio.Event()

    def say(**what):
        print(json.dumps(what), flush=True)

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            if given.get("broken"):
                raise RuntimeError("no database")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            say(event="closed")
            await send({"type": "lifespan.shutdown.complete"})
            return
        path = scope["path"]
        body = b""
        is_here = str(scope.get("rundun.body_is_here")).encode()
        if path == "/here":
            say(event="asked")
        if path == "/wait":
            say(event="waiting")
            await stop.wait()
        if path == "/forever":
            say(event="waiting")
            while (await receive())["type"] != "http.disconnect":
                pass
            say(event="disconnected")
            return
        if path in ("/echo", "/here", "/late", "/heard"):
            if path == "/late":
                await go.wait()  # the application, not the peer, takes its time
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    say(event="disconnected")
                    return
                body += message["body"]
                if not message["more_body"]:
                    break
        if path == "/here":
            body = is_here
        if path == "/heard":
            body = b" ".join(name for name, _ in scope["headers"])
        if path == "/go":
            go.set()
        if path.startswith("/big"):
            body = b"x" * 30_000_000
            scope["rundun.owner"] = path.removeprefix("/big") or None
        if path == "/head":
            body = b"after a while"
        if path == "/who":
            body = json.dumps([scope["client"][0], scope["scheme"]]).encode()
        head = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        if path == "/head":
            await go.wait()
        await send({"type": "http.response.body", "body": body})

    settings = load(environment={}, flags=given["flags"])
    configure("info", "json")
    sockets = bind(settings.server.host, settings.server.port)
    say(event="listening", port=sockets[0].getsockname()[1])

    def on_shutdown():
        say(event="told")
        stop.set()

    ended = serve(app, settings, sockets, on_shutdown=on_shutdown, patience=ConnectionLimits(**given["patience"]))
    say(event="ended", ok=ended)


if __name__ == "__main__":
    program(json.loads(sys.argv[1]))
