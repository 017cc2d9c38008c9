"""An HTTP/1.1 answer, made of pieces as they come."""

from dataclasses import dataclass

MOST_BYTES = 1_000_000  # of one answer; LINE's are a few hundred
END = b"\r\n\r\n"


class NotHttp(Exception):
    """What came is no answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. The names of headers are in small letters; `body` is empty when it broke off."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Parser:
    """Takes one answer. `reply` is there as soon as there is a status, and is complete once `feed` says so."""

    __slots__ = ("_data", "_headers", "_is_persistent", "_length", "_status", "is_reusable", "reply")

    def __init__(self) -> None:
        self._data = b""
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._length: int | None = None  # None: in chunks, or until the connection ends
        self._is_persistent = self.is_reusable = False
        self.reply: Reply | None = None

    def feed(self, data: bytes) -> bool:
        """Whether the answer is whole now."""
        self._data = self._data + data if self._data else data
        if len(self._data) > MOST_BYTES:
            raise NotHttp("an answer too long to be read")
        try:
            return (self.reply is not None or self._take_head()) and self._take_body()
        except ValueError as error:
            raise NotHttp("not an answer in HTTP") from error

    def end(self, *, is_clean: bool) -> None:
        """The connection is over: an answer that lasts until then is whole."""
        if self.reply is not None and is_clean and self._length is None and not self._is_chunked:
            self.reply = Reply(self._status, self._headers, self._data)

    def _take_head(self) -> bool:
        while True:
            head, found, rest = self._data.partition(END)
            if not found:
                return False
            first, *lines = head.split(b"\r\n")
            if not first.startswith(b"HTTP/1."):
                raise ValueError(first)
            self._data, self._status = rest, int(first[9:12])
            if self._status >= 200:
                break
        pairs = (line.partition(b":") for line in lines)
        self._headers = {name.lower(): value.strip() for name, _, value in pairs}
        self._length = self._told_length()
        closes = b"close" in self._headers.get(b"connection", b"").lower()
        self._is_persistent = first.startswith(b"HTTP/1.1") and not closes
        self.reply = Reply(self._status, self._headers, b"")
        return True

    def _told_length(self) -> int | None:
        if self._status in {204, 304}:
            return 0
        told = self._headers.get(b"content-length")
        if told is None or self._is_chunked:
            return None
        if not told.isdigit():
            raise ValueError(told)
        return int(told)

    @property
    def _is_chunked(self) -> bool:
        return b"chunked" in self._headers.get(b"transfer-encoding", b"").lower()

    def _take_body(self) -> bool:
        if self._length is not None:
            if len(self._data) < self._length:
                return False
            return self._whole(self._data[: self._length], rest=len(self._data) - self._length)
        if not self._is_chunked:
            return False
        unchunked = _without_chunks(self._data)
        return unchunked is not None and self._whole(*unchunked)

    def _whole(self, body: bytes, rest: int) -> bool:
        """What comes after the answer is nothing we asked for: such a connection is not used again."""
        self.reply = Reply(self._status, self._headers, body)
        self.is_reusable = self._is_persistent and rest == 0
        return True


def _without_chunks(data: bytes) -> tuple[bytes, int] | None:
    """The body that was sent in chunks, and how many bytes follow it; None while some are missing."""
    body, at = [], 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(data[at:end].partition(b";")[0], 16)
        if size == 0:
            break
        body.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size
        if len(data) < at + 2:
            return None
        if size < 0 or data[at : at + 2] != b"\r\n":
            raise ValueError("a chunk of another size than told")
        at += 2
    if data[end : end + 4] == END:
        return b"".join(body), len(data) - end - 4
    trailer = data.find(END, end)
    return None if trailer < 0 else (b"".join(body), len(data) - trailer - 4)
