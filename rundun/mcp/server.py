"""The server of the Model Context Protocol, over standard input and output. It stores nothing beyond the session."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from rundun import __version__
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.mcp import template_language, views
from rundun.mcp.api_client import ApiClient
from rundun.mcp.tools import INSTRUCTIONS, TOOLS, AssistantTool, Session

_FORWARD = "Tell the person you work for, before anything else: "
GUIDE = "rundun://template-language"
_Context = ServerRequestContext[Any]


def make_server(api: ApiClient, *, may_write: bool, warnings: Sequence[str] = ()) -> Server[Any]:
    """Return the server of one session, with the tools that write only if `may_write`; it closes `api` at its end.
    `warnings` are part of its instructions, since clients hide standard error.
    """
    session = Session(api)
    tools = {name: tool for name, tool in TOOLS.items() if may_write or tool.effect == "reads"}
    listed = [_protocol_tool(tool) for tool in tools.values()]
    guide = Resource(
        uri=GUIDE,
        name="template-language",
        title="The template language",
        description="What a checklist may ask, with a sample for each type of step, conditions, flags and fields.",
        mime_type="text/markdown",
    )

    async def list_tools(ctx: _Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=listed)

    async def call_tool(ctx: _Context, params: CallToolRequestParams) -> CallToolResult:
        return await _call_tool(session, tools.get(params.name), params)

    async def list_resources(ctx: _Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[guide])

    async def read_resource(ctx: _Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        if params.uri != GUIDE:
            raise MCPError(INVALID_PARAMS, "There is no such resource.")
        text = template_language.full_guide()
        return ReadResourceResult(contents=[TextResourceContents(uri=GUIDE, mime_type="text/markdown", text=text)])

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> Any:
        try:
            yield {}
        finally:
            await api.close()

    return Server(
        "rundun",
        version=__version__,
        title="Rundun",
        instructions="\n\n".join([INSTRUCTIONS, *(_FORWARD + one for one in warnings)]),
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


def _protocol_tool(tool: AssistantTool) -> Tool:
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=_without_titles(tool.arguments.model_json_schema()),
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.effect == "reads",
            destructive_hint=tool.effect == "ends",
            idempotent_hint=tool.is_idempotent,
            open_world_hint=False,
        ),
    )


def _without_titles(schema: Any) -> Any:
    """Return a JSON Schema without the titles that pydantic derives from names."""
    if isinstance(schema, dict):
        return {name: _without_titles(one) for name, one in schema.items() if name != "title" or isinstance(one, dict)}
    return [_without_titles(one) for one in schema] if isinstance(schema, list) else schema


async def _call_tool(session: Session, tool: AssistantTool | None, params: CallToolRequestParams) -> CallToolResult:
    """Return the result of calling a tool; a refusal or failure is a result with `is_error`, to act on."""
    try:
        try:
            return _text_result(await _run_tool(session, tool, params))
        except Problem as problem:
            return _text_result(views.result(views.refusal(problem)), is_error=True)
    except Exception as error:  # its text is not passed on: it may quote data of the service
        print(f"{params.name!a:.100} failed: {type(error).__name__}", file=sys.stderr)  # noqa: T201 (stdout is the protocol's)
        told = Problem("unavailable", "The service answered something that this version of `rundun mcp` can't read.")
        return _text_result(views.result(views.refusal(told)), is_error=True)


async def _run_tool(session: Session, tool: AssistantTool | None, params: CallToolRequestParams) -> str:
    if tool is None:
        is_write = params.name in TOOLS
        why = "`rundun mcp` was started without --write, so it only reads." if is_write else "List them."
        raise Problem("not_found", f"There is no such tool here. {why}")
    return await tool.handler(session, read(tool.arguments, params.arguments or {}))


def _text_result(text: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error)


def serve(url: str, key: str, *, may_write: bool, warnings: Sequence[str]) -> None:
    """Serve one session over standard input and output, until the client closes it."""

    async def session() -> None:
        server = make_server(ApiClient(url, key), may_write=may_write, warnings=warnings)
        async with stdio_server() as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())

    # The thread that reads the next line can't be cancelled, and no state needs saving.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(session())
