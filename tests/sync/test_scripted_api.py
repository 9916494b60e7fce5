"""The scripted Messages API, asked as a client asks: over real sockets."""

import http.client
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from skillway_sync.scripted_api import AFTER_THE_SCRIPT, IDLE_SECONDS, MAX_BODY_BYTES, Call, Fail, Say, ScriptedApi

TOOLS = [{"name": "Bash", "input_schema": {"type": "object"}}]
MAIN = {"model": "claude-x", "stream": False, "tools": TOOLS, "messages": [{"role": "user", "content": "go"}]}
TITLE = {"model": "claude-x", "stream": False, "tools": [], "messages": [{"role": "user", "content": "name it"}]}
SUBAGENT = {**MAIN, "system": [{"type": "text", "text": "x-anthropic-billing-header: cc_is_subagent=true;"}]}
ORDER = "Do NOT call any tools. Respond with an <analysis> block followed by a <summary> block."
COMPACTION = {
    **MAIN,
    "messages": [{"role": "user", "content": "go"}, {"role": "user", "content": [{"type": "text", "text": ORDER}]}],
}


def _connection(api):
    return http.client.HTTPConnection(urlsplit(api.url).hostname, urlsplit(api.url).port, timeout=10)


def _ask(api, body, *, path="/v1/messages?beta=true", method="POST", chunked=False):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = _connection(api)
    pieces = (data[start : start + 7] for start in range(0, len(data), 7))
    connection.request(
        method,
        path,
        body=pieces if chunked else data,
        encode_chunked=chunked,
        headers={"Transfer-Encoding": "chunked"} if chunked else {},
    )
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response, answer


def _texts(api, *bodies):
    return [json.loads(_ask(api, body)[1])["content"][0]["text"] for body in bodies]


def _raw(api, data):
    """Send bytes as they are; give the status line of the answer."""
    with socket.create_connection((urlsplit(api.url).hostname, urlsplit(api.url).port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline().decode().strip()


def test_turns_are_played_in_order_to_the_main_conversation():
    with ScriptedApi([Say("first"), Say("second")]) as api:
        assert _texts(api, MAIN, MAIN) == ["first", "second"]
        assert api.unplayed == 0


def test_side_calls_take_no_turn():
    with ScriptedApi([Say("first"), Say("second")], subagent_turns=[Say("sub")]) as api:
        texts = _texts(api, TITLE, MAIN, COMPACTION, SUBAGENT, TITLE, MAIN)

    assert [texts[1], texts[3], texts[5]] == ["first", "sub", "second"]
    assert "<summary>" in texts[2]
    assert [request.kind for request in api.requests] == ["side", "main", "summary", "subagent", "side", "main"]
    assert len(api.main_requests) == 2


def test_requests_after_the_script_are_answered_and_counted():
    with ScriptedApi([Say("only")]) as api:
        assert _texts(api, MAIN, MAIN, MAIN)[1:] == [AFTER_THE_SCRIPT, AFTER_THE_SCRIPT]
        assert api.overrun == 2


def test_stream_carries_text_and_several_tool_calls():
    turn = (Say("now"), Call("Bash", {"command": "ls", "n": 1}), Call("Skill", {"skill": "a:b"}))
    with ScriptedApi([turn]) as api:
        response, answer = _ask(api, {**MAIN, "stream": True})

    assert response.headers["Content-Type"] == "text/event-stream"
    events = [json.loads(part.split("data: ", 1)[1]) for part in answer.decode().strip().split("\n\n")]
    assert [event["type"] for event in events][:2] == ["message_start", "content_block_start"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert deltas[0] == {"type": "text_delta", "text": "now"}
    assert [json.loads(delta["partial_json"]) for delta in deltas[1:]] == [{"command": "ls", "n": 1}, {"skill": "a:b"}]
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    assert [block.get("name") for block in starts] == [None, "Bash", "Skill"]
    assert starts[1]["id"] != starts[2]["id"]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    assert events[-1] == {"type": "message_stop"}


def test_error_turn_has_its_status_and_says_whether_to_retry():
    with ScriptedApi([Fail(529, "busy", retry=True), Fail(400, "no"), Say("after")]) as api:
        busy, body = _ask(api, MAIN)
        refused, _ = _ask(api, MAIN)
        assert _texts(api, MAIN) == ["after"]

    assert (busy.status, busy.headers["x-should-retry"]) == (529, "true")
    assert json.loads(body)["error"]["message"] == "busy"
    assert (refused.status, refused.headers["x-should-retry"]) == (400, "false")


def test_chunked_body_is_read_whole():
    body = {**MAIN, "messages": [{"role": "user", "content": "ä" * 5000}]}
    with ScriptedApi([Say("ok")]) as api:
        response, _ = _ask(api, body, chunked=True)

    assert response.status == 200
    assert api.requests[0].body == body


def test_tool_results_are_given_once_in_order():
    first = {"type": "tool_result", "tool_use_id": "t1", "content": "plain"}
    second = {
        "type": "tool_result",
        "tool_use_id": "t2",
        "content": [{"type": "text", "text": "list"}],
        "is_error": True,
    }
    history = {**MAIN, "messages": [*MAIN["messages"], {"role": "user", "content": [first]}]}
    longer = {
        **MAIN,
        "messages": [*history["messages"], {"role": "user", "content": [second, {"type": "text", "text": "x"}]}],
    }
    with ScriptedApi([Say("a"), Say("b"), Say("c")]) as api:
        _texts(api, MAIN, history, longer)

    assert [(result.tool_use_id, result.text, result.is_error) for result in api.tool_results()] == [
        ("t1", "plain", False),
        ("t2", "list", True),
    ]


def test_what_else_a_client_asks_is_answered():
    with ScriptedApi([Say("kept")]) as api:
        assert _ask(api, b"", method="HEAD", path="/")[0].status == 200
        assert _ask(api, b"", method="HEAD", path="/api/hello")[0].status == 200
        assert _ask(api, b"", method="GET", path="/nothing")[0].status == 404
        assert json.loads(_ask(api, MAIN, path="/v1/messages/count_tokens?beta=true")[1]) == {"input_tokens": 100}
        assert _ask(api, {}, path="/v1/other")[0].status == 404
        assert api.unplayed == 1


def test_a_client_that_loops_is_told_to_stop():
    with ScriptedApi(max_requests=3) as api:
        statuses = [_ask(api, MAIN)[0].status for _ in range(5)]
        last, _ = _ask(api, MAIN)

    assert statuses == [200, 200, 200, 400, 400]
    assert last.headers["x-should-retry"] == "false"
    assert len(api.requests) == 3
    assert api.refused == 3


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Content-Length: 5\r\n\r\n{bad}", "400"),
        ("Content-Length: 2\r\n\r\n[]", "400"),
        ("Content-Length: 2\r\n\r\n\xff\xfe", "400"),
        ("Content-Length: 50\r\n\r\n{}", "400"),
        ("Content-Length: -1\r\n\r\n{}", "400"),
        ("Content-Length: x\r\n\r\n{}", "400"),
        (f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n", "413"),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nab", "400"),
        ("Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n", "413"),
    ],
)
def test_broken_body_is_refused_and_the_api_lives_on(head, status):
    request = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\n{head}".encode("latin-1")
    with ScriptedApi([Say("kept")]) as api:
        assert _raw(api, request).split()[1] == status
        assert _texts(api, MAIN) == ["kept"]


def test_messages_of_an_unknown_form_do_not_stop_the_api():
    with ScriptedApi([Say("a"), Say("b"), Say("c")]) as api:
        odd = [
            {**MAIN, "messages": None},
            {**MAIN, "messages": ["x", {"role": "user", "content": 5}]},
            {**MAIN, "system": 7},
        ]
        assert _texts(api, *odd) == ["a", "b", "c"]
        assert api.tool_results() == []


def test_closing_ends_kept_alive_connections_and_leaves_no_thread():
    before = threading.active_count()
    with ScriptedApi() as api:
        connections = [_connection(api) for _ in range(3)]
        for connection in connections:
            connection.request("HEAD", "/")
            connection.getresponse().read()
        assert threading.active_count() > before
        closing = time.monotonic()

    assert time.monotonic() - closing < IDLE_SECONDS / 2
    assert threading.active_count() == before
    port = urlsplit(api.url).port
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, by system
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_script_that_was_never_started_closes_too():
    """A setup that fails before the `with` block's body must not hang."""
    with ScriptedApi([Say("never")]) as api:
        pass
    assert api.unplayed == 1


def test_parallel_requests_each_get_their_own_turn():
    with ScriptedApi([Say(str(number)) for number in range(20)]) as api:
        texts = []
        threads = [threading.Thread(target=lambda: texts.extend(_texts(api, MAIN))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(texts, key=int) == [str(number) for number in range(20)]
