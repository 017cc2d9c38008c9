"""Our own HTTP: answers in any number of pieces, halves of answers, and connections that end at a bad moment."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
import uvloop

from line.connections import Lost, Pool
from line.parsing import NotHttp, Parser, Reply

REQUEST = b"POST /v2/bot/message/push HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}"
WHOLE = b'HTTP/1.1 200 OK\r\nX-Line-Request-Id: abc\r\nContent-Length: 16\r\n\r\n{"some":"thing"}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'8;some=thing\r\n{"some":\r\n8\r\n"thing"}\r\n0\r\nTrailer: x\r\n\r\n'
)
LOOPS = (asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy)  # without the faster kind, and with it
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


def on_a_thread_of_its_own(work: Coroutine[Any, Any, Any]) -> Any:
    """This one may have an event loop: the browser's tests leave theirs running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_in_pieces_is_put_together(answer: bytes, size: int) -> None:
    parser = Parser()
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert [parser.feed(each) for each in pieces] == [False] * (len(pieces) - 1) + [True]
    assert parser.reply is not None
    assert (parser.reply.status, parser.reply.body) == (200, b'{"some":"thing"}')
    assert parser.is_reusable


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE.replace(b"\r\nContent", b"\r\nConnection: close\r\nContent"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE + b"and more",
    ],
)
def test_some_connections_are_not_used_again(answer: bytes) -> None:
    parser = Parser()
    assert parser.feed(answer)
    assert not parser.is_reusable


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 okay\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 2_000_000,
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(answer: bytes) -> None:
    with pytest.raises(NotHttp):
        Parser().feed(answer)


@pytest.fixture(params=LOOPS, autouse=True)
def kind_of_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    asyncio.set_event_loop_policy(request.param())
    yield
    asyncio.set_event_loop_policy(None)


def run(serve: Serve, *, times: int = 1, seconds: float = 10.0) -> tuple[list[Reply | Lost], int]:
    """The outcomes of requests made one after another, and how many connections the server saw."""

    async def work() -> tuple[list[Reply | Lost], int]:
        numbers: Iterator[int] = count(1)
        seen = []

        async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(next(numbers))
            try:
                await serve(reader, writer, seen[-1])
            finally:
                writer.close()

        server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
        pool = Pool(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seconds=seconds)
        outcomes = [await asked(pool) for _ in range(times)]
        await pool.close()
        server.close()
        return outcomes, len(seen)

    return on_a_thread_of_its_own(work())


async def asked(pool: Pool) -> Reply | Lost:
    heard: asyncio.Future[Reply | Lost] = asyncio.get_running_loop().create_future()
    pool.ask(REQUEST, heard.set_result)  # a second call would raise
    return await asyncio.wait_for(heard, 30)


def answering(answer: bytes) -> Serve:
    """Says this to every request, until the other side has had enough."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        while await reader.read(len(REQUEST)):
            writer.write(answer)

    return serve


def test_a_connection_is_used_again() -> None:
    outcomes, connections = run(answering(WHOLE), times=5)
    assert [each.status for each in outcomes if isinstance(each, Reply)] == [200] * 5
    assert connections == 1


def test_a_connection_the_server_closes_is_not() -> None:
    closing = WHOLE.replace(b"\r\nContent", b"\r\nConnection: close\r\nContent")
    outcomes, connections = run(answering(closing), times=3)
    assert [each.status for each in outcomes if isinstance(each, Reply)] == [200] * 3
    assert connections == 3


def test_closed_in_between_it_may_have_arrived_and_is_not_sent_again() -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        seen.append(await reader.read(len(REQUEST)))
        if number == 1:
            writer.write(WHOLE)
            seen.append(await reader.read(len(REQUEST)))  # and it closes without a word

    outcomes, _ = run(serve, times=2)
    assert isinstance(outcomes[0], Reply)
    assert outcomes[1] == Lost("the connection was closed", reached=True)
    assert seen == [REQUEST, REQUEST]


def test_the_status_counts_when_the_body_breaks_off() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.read(len(REQUEST))
        writer.write(WHOLE[:-5])

    (outcome,), _ = run(serve)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.headers[b"x-line-request-id"], outcome.body) == (200, b"abc", b"")


def test_a_body_may_last_until_the_connection_ends() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.read(len(REQUEST))
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"some":')
        await writer.drain()
        writer.write(b'"thing"}')

    (outcome,), _ = run(serve)
    assert isinstance(outcome, Reply)
    assert outcome.body == b'{"some":"thing"}'


@pytest.mark.parametrize(("said", "expected"), [(b"", "lost"), (WHOLE[:-5], "reply"), (WHOLE[:20], "lost")])
def test_who_takes_too_long_is_waited_for_no_more(said: bytes, expected: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.read(len(REQUEST))
        writer.write(said)
        await reader.read()  # until we hang up

    (outcome,), _ = run(serve, seconds=0.5)
    if expected == "reply":
        assert isinstance(outcome, Reply)
    else:
        assert outcome == Lost("no answer in time", reached=True)


def test_nobody_there_is_unreached() -> None:
    async def work() -> Reply | Lost:
        pool = Pool("http://127.0.0.1:1", seconds=5)
        try:
            return await asked(pool)
        finally:
            await pool.close()

    outcome = on_a_thread_of_its_own(work())
    assert isinstance(outcome, Lost)
    assert not outcome.reached


def test_something_that_speaks_no_tls_is_unreached() -> None:
    async def work() -> Reply | Lost:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pool = Pool(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", seconds=5)
        try:
            return await asked(pool)
        finally:
            await pool.close()
            server.close()

    outcome = on_a_thread_of_its_own(work())
    assert isinstance(outcome, Lost)
    assert not outcome.reached
