"""The server as assistants start it: a process, spoken to over its standard streams."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import anyio
import pytest
from mcp import Client, MCPError

from searchkbd.index.editing import delete_rows
from searchkbd.resources import PHRASEBOOK

TEXTS = {
    row[0]: row[2]
    for line in PHRASEBOOK.read_text("utf-8").splitlines()
    if len(row := line.split("\t")) > 2
}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_what_a_client_is_told(stdio, talk, phrasebook_index, mode):
    async def say(client):
        assert client.server_info.name == "searchkbd"
        assert "corpus first" in " ".join(client.instructions.split())
        assert "245 kbd (Kabardian)" in client.instructions
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["search", "tm_lookup", "concordance", "sentence"]
        for tool in tools:
            assert tool.annotations.read_only_hint and tool.annotations.idempotent_hint
            assert tool.annotations.open_world_hint is False
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema["required"] and len(tool.description) > 100
            assert all(said["description"] for said in tool.input_schema["properties"].values())
        assert tools[1].input_schema["required"] == ["segment", "from", "to"]
        # The client checks the structured answer by the schema.
        answer = await client.call_tool("search", {"query": "вода"})
        assert answer.structured_content["hits"] and not answer.is_error
        with pytest.raises(MCPError, match="there are search, tm_lookup, concordance, sentence"):
            await client.call_tool("grep", {})

    talk(stdio(phrasebook_index), say, mode=mode)


def test_the_prompt(stdio, talk, phrasebook_index):
    async def say(client):
        (prompt,) = (await client.list_prompts()).prompts
        assert {each.name: each.required for each in prompt.arguments} == {
            "text": True, "to": True, "from": None,
        }  # fmt: skip
        arguments = {"text": "Вода холодная.", "from": "rus", "to": "kbd"}
        message = (await client.get_prompt(prompt.name, arguments)).messages[0]
        assert message.role == "user"
        assert "into kbd (Kabardian) from ru (Russian)" in message.content.text
        assert "Вода холодная." in message.content.text
        for wrong in (
            {},
            {"text": "a"},
            {"text": "a", "to": "xx"},
            {"text": "a" * 9**5, "to": "ru"},
        ):
            with pytest.raises(MCPError):
                await client.get_prompt(prompt.name, wrong)
        with pytest.raises(MCPError, match="there is translate"):
            await client.get_prompt("other", arguments)

    talk(stdio(phrasebook_index), say)


def test_the_flow_on_one_connection(stdio, talk, phrasebook_index):
    async def say(client):
        looked_up = await client.call_tool(
            "tm_lookup", {"segment": "Мой брат завтра не придёт.", "from": "ru", "to": "kbd"}
        )
        match = looked_up.structured_content["matches"][0]
        assert match["target"] == "Си къуэшыр нобэ къэкӏуэнукъым."
        word = await client.call_tool("concordance", {"pattern": "завтра", "to": ["kbd"]})
        translations = [line["translations"] for line in word.structured_content["lines"]]
        assert any("Пщэдей" in each[0]["text"] for each in translations)
        form = await client.call_tool("concordance", {"pattern": "пщэдей", "languages": ["kbd"]})
        assert form.structured_content["occurrences"] > 1
        source = await client.call_tool("sentence", {"id": match["target_id"]})
        assert source.structured_content["text"] == match["target"]

    talk(stdio(phrasebook_index), say)


def test_calls_at_once(stdio, talk, phrasebook_index):
    async def say(client):
        counts: dict[str, int] = {}

        async def count(pattern: str) -> None:
            answer = await client.call_tool("concordance", {"pattern": pattern, "limit": 1})
            counts[pattern] = answer.structured_content["occurrences"]

        async with anyio.create_task_group() as tasks:
            for letter in "абвгдежзиклмнопрстуфхц":
                tasks.start_soon(count, f"{letter}*")
            for _ in range(10):
                tasks.start_soon(client.call_tool, "search", {"query": "холодная вода"})
        assert len(counts) == 22 and sum(counts.values()) > 1000

    talk(stdio(phrasebook_index), say)


def test_a_cancelled_call_does_no_harm(stdio, talk, phrasebook_index):
    async def say(client):
        for wait in (0, 0.001, 0.01):
            with anyio.move_on_after(wait):
                await client.call_tool("concordance", {"pattern": "*а*", "limit": 100})
        answer = await client.call_tool("concordance", {"pattern": "псы"})
        assert answer.structured_content["occurrences"] == 3

    talk(stdio(phrasebook_index), say)


def test_the_index_is_replaced_while_a_client_is_connected(
    stdio, talk, phrasebook_index, tmp_path, embedded
):
    directory = Path(shutil.copytree(phrasebook_index, tmp_path / "demo"))
    other = Path(shutil.copytree(phrasebook_index, tmp_path / "other"))
    gone = [f"p{number:04}-kbd" for number in range(1, 100)]
    delete_rows(other, gone)

    def words(text: str) -> int:
        return sum(word.rstrip("?!.,:").endswith("къым") for word in text.lower().split())

    async def occurrences(client: Client) -> int:
        answer = await client.call_tool("concordance", {"pattern": "*къым", "languages": ["kbd"]})
        assert not answer.is_error
        return answer.structured_content["occurrences"]

    async def becomes(client: Client, wanted: int) -> None:
        end = time.monotonic() + 20
        while await occurrences(client) != wanted:
            assert time.monotonic() < end
            await anyio.sleep(0.05)

    async def say(client):
        assert await occurrences(client) == 34
        delete_rows(directory, ["p0154-kbd"])  # Си къуэшыр нобэ къэкӏуэнукъым.
        await becomes(client, 33)
        answer = await client.call_tool("sentence", {"id": "p0154-kbd"})
        assert answer.is_error
        directory.rename(tmp_path / "old")
        other.rename(directory)
        await becomes(client, 34 - sum(words(TEXTS[id]) for id in gone))

    talk(stdio(directory), say)
