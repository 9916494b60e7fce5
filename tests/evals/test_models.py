"""The model clients against a fake Messages API: every planted fault ends as a reply or as a named fault."""

import asyncio
import json
import time

import pytest

from skillway_evals.models import Fault, ModelError, ModelRequest
from skillway_evals.models import fake_api as fake_api_module
from skillway_evals.models.batch import BatchClient
from skillway_evals.models.client import decode_message, decode_usage
from skillway_evals.models.fake_api import FakeApi, Plant
from skillway_evals.models.live import LiveClient
from skillway_evals.models.pacing import Pacer, reset_time, retry_after
from skillway_evals.outcome import Provenance


def request(number=1, **more):
    return ModelRequest(f"{number:064}", "claude-haiku-4-5", "system", f"prompt {number}", **more)


def pacer(concurrency=4, **more):
    return Pacer(concurrency, base_s=0.01, **more)


def ask(api, *requests, gate=None, timeout_s=5.0, on_waste=lambda: None):
    async def run():
        client = LiveClient("key", gate or pacer(), base_url=api.url, timeout_s=timeout_s, provenance=Provenance.FAKE)
        try:
            return await asyncio.gather(*(client.ask(one, on_waste) for one in requests), return_exceptions=True)
        finally:
            await client.close()

    return asyncio.run(run())


def first(plant, times=1):
    """Plant a fault into the first requests."""
    return lambda number, _body: plant if number <= times else Plant.NONE


def test_reply_and_usage_are_read():
    with FakeApi(lambda body: body["messages"][0]["content"].upper()) as api:
        (reply,) = ask(api, request(7))
    assert reply.text == "PROMPT 7"
    assert reply.usage.output_tokens > 0
    assert api.log.bodies[0]["system"] == "system"
    assert "temperature" not in api.log.bodies[0]


def test_schema_is_forced_and_no_tools_are_offered():
    with FakeApi() as api:
        ask(api, request(schema={"type": "object"}))
    assert api.log.bodies[0]["output_config"]["format"]["schema"] == {"type": "object"}
    assert "tools" not in api.log.bodies[0]


@pytest.mark.parametrize(
    "plant", [Plant.RATE_LIMIT, Plant.OVERLOADED, Plant.SERVER_ERROR, Plant.TRUNCATED, Plant.DISCONNECT]
)
def test_passing_fault_is_tried_again(plant):
    with FakeApi(faults=first(plant, 2)) as api:
        (reply,) = ask(api, request())
    assert reply.text == "ok"
    assert len(api.log.bodies) == 3


@pytest.mark.parametrize(
    ("plant", "fault", "tries"),
    [
        (Plant.RATE_LIMIT, Fault.RATE_LIMITED, 6),
        (Plant.OVERLOADED, Fault.OVERLOADED, 6),
        (Plant.TRUNCATED, Fault.BROKEN, 6),
        (Plant.DISCONNECT, Fault.DISCONNECTED, 6),
        (Plant.REFUSAL, Fault.REFUSED, 1),
        (Plant.TOKEN_LIMIT, Fault.TRUNCATED, 1),
    ],
)
def test_lasting_fault_is_named_and_tried_no_more_than_makes_sense(plant, fault, tries):
    with FakeApi(faults=first(plant, 99)) as api:
        (error,) = ask(api, request())
    assert isinstance(error, ModelError)
    assert error.fault is fault
    assert len(api.log.bodies) == tries


def test_slow_drip_ends_at_the_time_limit(monkeypatch):
    monkeypatch.setattr(fake_api_module, "DRIP_BYTE_S", 0.05)
    with FakeApi(faults=first(Plant.DRIP, 1)) as api:
        (reply,) = ask(api, request(), timeout_s=0.4)
    assert reply.text == "ok"
    assert api.log.faults == [Plant.DRIP, Plant.NONE]


def test_repeats_that_may_have_been_paid_are_told_and_can_be_stopped():
    told = []

    def stop_at_second():
        told.append(1)
        if len(told) == 2:
            raise RuntimeError("no more money")

    with FakeApi(faults=first(Plant.TRUNCATED, 99)) as api:
        (error,) = ask(api, request(), on_waste=stop_at_second)
    assert isinstance(error, RuntimeError)
    assert len(api.log.bodies) == 2
    with FakeApi(faults=first(Plant.RATE_LIMIT, 3)) as api:
        ask(api, request(), on_waste=lambda: told.append("free"))
    assert "free" not in told


def test_concurrency_is_bounded():
    with FakeApi(delay_s=0.01) as api:
        replies = ask(api, *(request(n) for n in range(30)), gate=pacer(5))
    assert all(reply.text == "ok" for reply in replies)
    assert 2 <= api.log.under_way_most <= 5


def test_retry_after_stops_everybody_not_only_the_one_that_met_it():
    """Clock and sleep are ours: what counts is that nobody is sent before the time that the server named."""
    now, sent = [1000.0], []

    async def sleep(seconds):
        now[0] += seconds
        await asyncio.sleep(0)

    gate = Pacer(3, clock=lambda: now[0], sleep=sleep, chance=lambda: 0.0)

    async def send(number):
        sent.append((number, now[0]))
        if len(sent) == 1:
            raise ModelError(Fault.RATE_LIMITED, "wait", retry_after_s=30.0)
        return number

    async def run():
        first_one = asyncio.create_task(gate.run(lambda: send(1)))
        await asyncio.sleep(0)
        return await asyncio.gather(first_one, gate.run(lambda: send(2)), gate.run(lambda: send(3)))

    assert asyncio.run(run()) == [1, 2, 3]
    assert [moment for _, moment in sent[1:]] == [1030.0] * 3


def test_exhausted_limit_closes_the_gate_until_its_reset():
    now, slept = [0.0], []

    async def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    gate = Pacer(1, clock=lambda: now[0], sleep=sleep)
    gate.note_headers(
        {"anthropic-ratelimit-requests-remaining": "5", "anthropic-ratelimit-requests-reset": "2099-01-01"}
    )
    asyncio.run(gate.run(_nothing))
    assert slept == []
    reset = {"anthropic-ratelimit-input-tokens-remaining": "0"}
    gate.note_headers(reset | {"anthropic-ratelimit-input-tokens-reset": "1970-01-01T00:00:20Z"})
    asyncio.run(gate.run(_nothing))
    assert slept == [20.0]


async def _nothing():
    return None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "3"}, 3.0), ({"retry-after-ms": "250"}, 0.25), ({"retry-after": "soon"}, None), ({}, None),
     ({"retry-after": "-1"}, None), ({"retry-after": "inf"}, None)],
)  # fmt: skip
def test_retry_after_is_read(headers, seconds):
    assert retry_after(headers) == seconds


def test_reset_time_that_is_none_is_no_wait():
    assert reset_time("tomorrow") == 0.0


@pytest.mark.parametrize(
    "content", [None, [], "text", {}, {"type": "message"}, {"type": "error"}, {"type": "message", "content": "x"}]
)
def test_reply_that_is_no_message_is_a_fault(content):
    with pytest.raises(ModelError) as caught:
        decode_message(content)
    assert caught.value.fault is Fault.BROKEN


def test_strange_usage_counts_as_nothing():
    assert (
        decode_usage({"input_tokens": "many", "output_tokens": -5, "cache_read_input_tokens": None}).input_tokens == 0
    )


def batch_client(api, **more):
    return BatchClient("key", pacer(), base_url=api.url, provenance=Provenance.FAKE, poll_s=0.01, **more)


def ask_batch(api, requests, **more):
    async def run():
        client = batch_client(api, **more)
        try:
            return await asyncio.gather(*(client.ask(one) for one in requests), return_exceptions=True)
        finally:
            await client.close()

    return asyncio.run(run())


def test_batch_answers_each_request_with_its_own_reply():
    noted = []
    with FakeApi(lambda body: body["messages"][0]["content"]) as api:
        replies = ask_batch(api, [request(n) for n in range(5)], note_batch=lambda *batch: noted.append(batch))
    assert [reply.text for reply in replies] == [f"prompt {n}" for n in range(5)]
    assert (api.log.batches, len(noted), len(noted[0][1])) == (1, 1, 5)


def test_batch_of_a_killed_run_is_collected_and_not_paid_again():
    with FakeApi(lambda body: body["messages"][0]["content"]) as api:
        noted = []
        ask_batch(api, [request(1), request(2)], note_batch=lambda *batch: noted.append(batch))
        replies = ask_batch(api, [request(1), request(2), request(3)], earlier=[noted[0][0], "msgbatch_gone"])
        assert [reply.text for reply in replies] == ["prompt 1", "prompt 2", "prompt 3"]
        assert api.log.batches == 2
        sent = [json.dumps(body) for body in api.log.bodies]
        assert sum("prompt 3" in body for body in sent) == 1


def test_errored_request_of_a_batch_is_a_fault_of_its_own():
    with FakeApi(faults=lambda _n, body: Plant.OVERLOADED if "prompt 1" in str(body) else Plant.NONE) as api:
        replies = ask_batch(api, [request(0), request(1)])
    assert replies[0].text == "ok"
    assert isinstance(replies[1], ModelError)


def test_streaming_client_is_served_too():
    """Other harnesses stream; the fake speaks it, so that they can stand in the same benchmark."""
    import anthropic

    async def run(url):
        sdk = anthropic.AsyncAnthropic(api_key="key", base_url=url)
        async with sdk.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as stream:
            return await stream.get_final_text()

    with FakeApi(lambda _body: "streamed") as api:
        assert asyncio.run(run(api.url)) == "streamed"


def test_server_ends_with_its_context():
    started = time.monotonic()
    with FakeApi() as api:
        ask(api, request())
    assert time.monotonic() - started < 30
    with pytest.raises(ModelError):
        raise ask(api, request())[0]
