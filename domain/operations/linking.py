"""Links and buttons that know which send they came from (M100), and what following one records."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import BigInteger, cast, insert, literal, select
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.operations import participating
from domain.operations.converting import NOWHERE, Trace
from domain.operations.recording import record
from domain.wording import mark
from models.arithmetic import pairs_of
from models.campaign import TrackedLink
from models.channel import Channel, the_channel

LINKS: Any = TrackedLink.__table__
TOKEN_BYTES = 9
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_DATA = 300  # characters of a postback


def make(
    session: Session,
    *,
    url: str,
    campaign_id: int | None = None,
    message_id: int | None = None,
    member_id: int | None = None,
    now: datetime,
) -> TrackedLink:
    """A new token for `url`. With `member_id` it also knows the person: for personal messages only."""
    link = TrackedLink(
        token=secrets.token_urlsafe(TOKEN_BYTES), url=url, campaign_id=campaign_id, message_id=message_id,
        member_id=member_id, created_at=now,
    )  # fmt: skip
    session.add(link)
    session.flush()
    return link


def make_many(
    session: Session, *, url: str, campaign_id: int, member_ids: Sequence[int], now: datetime
) -> dict[int, str]:
    """A link of their own for each of many people; returns member id → address."""
    tokens = {secrets.token_urlsafe(TOKEN_BYTES): member_id for member_id in member_ids}
    each = pairs_of(tokens)
    rows = select(
        each.c.key,
        literal(url),
        literal(campaign_id),
        cast(each.c.value, BigInteger),
        literal(now, TrackedLink.created_at.type),
    )
    session.execute(insert(TrackedLink).from_select(["token", "url", "campaign_id", "member_id", "created_at"], rows))
    known = TrackedLink(token="", url=url, campaign_id=campaign_id, member_id=0)
    start = address_of(session, known)
    return {member_id: start + token for token, member_id in tokens.items()}


def address_of(session: Session, link: TrackedLink) -> str:
    """What to put into a message: through the mini-app when it leads there or must learn who taps, else plain."""
    channel = the_channel(session)
    if page_of(session, link) is not None or link.member_id is None:
        return channel.liff_url(f"/t/{link.token}")
    return f"{channel.public_url}/t/{link.token}"


def page_of(session: Session, link: TrackedLink) -> str | None:
    """The mini-app page a link leads to, such as `/book?store=1`; None when it leads elsewhere."""
    return _page(the_channel(session), link.url)


def _page(channel: Channel, url: str) -> str | None:
    for start in (channel.liff_url(), f"{channel.public_url}/liff"):
        if url == start or url.startswith((f"{start}/", f"{start}?")):
            return url.removeprefix(start) or "/"
    return None


def look_up(session: Session, token: str) -> TrackedLink:
    """The link of a token, without noting a tap. Raises NotFound."""
    link = _link(session, token)
    if link is None or not link.url:
        raise NotFound(mark("This link leads nowhere any more. The menu in our chat shows what there is now."))
    return link


def follow(session: Session, token: str, *, member_id: int | None = None, now: datetime) -> TrackedLink:
    """Records that a link was tapped, by `member_id` where the door knows them, else by whom it was made for.

    Tapping twice within a minute is one tap: phones open a page more than once. Raises NotFound.
    """
    link = look_up(session, token)
    who = member_id or link.member_id
    record(
        session, "clicked", member_id=who, source="liff" if member_id else "link", object=link.url[:255],
        campaign_id=link.campaign_id, message_id=link.message_id, data={"url": link.url},
        dedupe_key=f"clicked:{token}:{who}:{int(now.timestamp() // 60)}" if who else None, now=now,
    )  # fmt: skip
    if who is not None:
        participating.answered(session, member_id=who, campaign_id=link.campaign_id, now=now)
    return link


def _link(session: Session, token: str) -> TrackedLink | None:
    return session.get(TrackedLink, token) if TOKEN.fullmatch(token) else None


def trace_of(session: Session, token: str | None) -> Trace:
    """The send a token came from; `NOWHERE` for none or an unknown one."""
    link = _link(session, token or "")
    return Trace(link.campaign_id, link.message_id) if link else NOWHERE


class Traced:
    """The same messages with every link and postback of ours carrying the message and the person.

    The message is written first, with these words; `keep` then writes its links.
    """

    def __init__(
        self, session: Session, messages: list[Any], *, member_id: int, campaign_id: int | None, now: datetime
    ) -> None:
        wrapper = _Wrapper(the_channel(session), member_id, campaign_id, now)
        self.messages: list[Any] = wrapper.wrap(messages)
        self.rows = wrapper.rows

    def keep(self, session: Session, message_id: int) -> None:
        """Writes the links, which know the message from now on."""
        if self.rows:
            session.execute(insert(LINKS), [{**row, "message_id": message_id} for row in self.rows])


class _Wrapper:
    """Walks LINE JSON and gives each distinct address one token."""

    def __init__(self, channel: Channel, member_id: int, campaign_id: int | None, now: datetime) -> None:
        self.channel = channel
        self.common = {"member_id": member_id, "campaign_id": campaign_id, "created_at": now}
        self.rows: list[dict[str, Any]] = []
        self._tokens: dict[str, str] = {}

    def wrap(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.wrap(each) for each in node]
        if not isinstance(node, dict):
            return node
        done = {name: self.wrap(value) for name, value in node.items()}
        if done.get("type") == "uri" and isinstance(done.get("uri"), str):
            done["uri"] = self._uri(done["uri"])
        elif done.get("type") in {"postback", "datetimepicker"} and isinstance(done.get("data"), str):
            done["data"] = self._data(done["data"])
        return done

    def _token(self, url: str) -> str:
        if url not in self._tokens:
            self._tokens[url] = secrets.token_urlsafe(TOKEN_BYTES)
            self.rows.append({"token": self._tokens[url], "url": url, **self.common})
        return self._tokens[url]

    def _uri(self, uri: str) -> str:
        page = _page(self.channel, uri)
        if urlsplit(uri).scheme not in {"http", "https"} or (page or "").startswith("/t/") or self._is_plain(uri):
            return uri
        if page is not None:
            return self.channel.liff_url(f"/t/{self._token(uri)}")
        return f"{self.channel.public_url}/t/{self._token(uri)}" if self.channel.public_url else uri

    def _is_plain(self, uri: str) -> bool:
        return bool(self.channel.public_url) and uri.startswith(f"{self.channel.public_url}/t/")

    def _data(self, data: str) -> str:
        if "t" in parse_qs(data):
            return data
        longer = f"{data}&t={self._token('')}"
        return longer if len(longer) <= LONGEST_DATA else data
