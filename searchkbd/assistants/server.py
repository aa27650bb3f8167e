"""The server of the protocol: its tools and its prompt, asked of an index that may change."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from anyio import CapacityLimiter, create_task_group, from_thread, to_thread
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from pydantic import ValidationError

from searchkbd import __version__
from searchkbd.assistants import wording
from searchkbd.assistants.answers import Answer
from searchkbd.assistants.arguments import Arguments, faults, input_schema
from searchkbd.assistants.tools import TOOLS, Tool
from searchkbd.errors import SearchkbdError
from searchkbd.service.deadline import TooSlowError, deadline
from searchkbd.service.snapshots import Snapshots
from searchkbd.text.languages import normalize_language

_log = logging.getLogger("searchkbd")

SECONDS = 10.0
"""How long one call may be worked on, where that depends on what it asks."""

_SLOW_THREADS = 2
_MAX_MESSAGE = 600
_MAX_PROMPT = 20_000

_READ_ONLY = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_PROMPT = types.Prompt(
    name="translate",
    title="Translate from the corpus first",
    description=wording.PROMPT,
    arguments=[
        types.PromptArgument(name="text", description="What to translate.", required=True),
        types.PromptArgument(name="to", description="Language, as in kbd.", required=True),
        types.PromptArgument(name="from", description="Language of the text, if it is known."),
    ],
)

_Context = ServerRequestContext[Any, Any]


def create_server(snapshots: Snapshots) -> Server:
    """Return the server of an index; *snapshots* must be open for as long as it runs."""
    desk = _Desk(snapshots)
    with snapshots.lend() as index:
        instructions = wording.instructions(index.languages)
    return Server(
        "searchkbd",
        version=__version__,
        title="Kabardian corpus and translation memory",
        instructions=instructions,
        lifespan=desk.lifespan,
        on_list_tools=_list_tools,
        on_call_tool=desk.call_tool,
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
    )


class _Desk:
    """Answers calls in threads, with a snapshot of the index each. Calls beyond the threads wait
    for their turn."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._tools = {tool.name: tool for tool in TOOLS}
        # Python runs one thread at a time; more of them only take turns more often.
        self._quick = CapacityLimiter(max(2, os.cpu_count() or 2))
        self._slow = CapacityLimiter(_SLOW_THREADS)

    @asynccontextmanager
    async def lifespan(self, server: Server) -> AsyncIterator[dict[str, Any]]:
        """Load the encoder while the client reads what there is, so that no call waits for it."""
        async with create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, self._warm_up)
            yield {}

    async def call_tool(
        self, context: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Answer a call; what goes wrong is told to the model, which can ask again."""
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(
                types.INVALID_PARAMS,
                f"no tool {params.name[:100]!r}; there are {', '.join(self._tools)}",
            )
        try:
            asked = tool.arguments.model_validate(params.arguments or {})
            limiter = self._slow if tool.slow else self._quick
            answer = await to_thread.run_sync(self._answer, tool, asked, limiter=limiter)
        except ValidationError as error:
            return _failed(faults(tool.arguments, error))
        except (TooSlowError, ValueError) as error:
            # What searchkbd.api raises for a query, a language or a pattern that cannot be.
            return _failed(str(error))
        except SearchkbdError as error:
            # Paths of this machine, which messages about the index name, go to the log.
            _log.error("%s: %s", tool.name, error)
            return _failed("the index cannot be read; the server's log says why")
        except Exception:
            _log.exception("%s", tool.name)
            return _failed("an error of the server; its log says more")
        return types.CallToolResult(
            content=[types.TextContent(text=answer.text)], structured_content=answer.content
        )

    def _answer(self, tool: Tool, asked: Arguments) -> Answer:
        in_time = deadline(SECONDS, "a rarer word, fewer stars, one language")

        def check() -> None:
            from_thread.check_cancelled()
            in_time(0, 0)

        with self._snapshots.lend() as index:
            return tool.ask(index, asked, check)

    def _warm_up(self) -> None:
        try:
            self._snapshots.warm_up()
        except SearchkbdError as error:
            _log.error("%s", error)


async def _list_tools(
    context: _Context, params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    return types.ListToolsResult(
        tools=[
            types.Tool(
                name=tool.name,
                title=tool.title,
                description=tool.description,
                input_schema=input_schema(tool.arguments),
                output_schema=tool.output,
                annotations=_READ_ONLY,
            )
            for tool in TOOLS
        ]
    )


async def _list_prompts(
    context: _Context, params: types.PaginatedRequestParams | None
) -> types.ListPromptsResult:
    return types.ListPromptsResult(prompts=[_PROMPT])


async def _get_prompt(
    context: _Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult:
    if params.name != _PROMPT.name:
        raise MCPError(types.INVALID_PARAMS, f"no prompt of this name; there is {_PROMPT.name}")
    given = params.arguments or {}
    text, target = given.get("text", "").strip(), given.get("to", "").strip()
    if not text or not target:
        raise MCPError(types.INVALID_PARAMS, "say what to translate (text) and into what (to)")
    if len(text) > _MAX_PROMPT:
        raise MCPError(types.INVALID_PARAMS, f"text: {_MAX_PROMPT} characters are the most")
    source = given.get("from", "").strip()
    try:
        source, target = source and normalize_language(source), normalize_language(target)
    except ValueError as error:
        raise MCPError(types.INVALID_PARAMS, str(error)) from None
    return types.GetPromptResult(
        description=_PROMPT.description,
        messages=[
            types.PromptMessage(
                role="user",
                content=types.TextContent(text=wording.translate(text, source, target)),
            )
        ],
    )


def _failed(message: str) -> types.CallToolResult:
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}…"
    return types.CallToolResult(content=[types.TextContent(text=message)], is_error=True)
