"""What can be wrong with a LINE set-up, looked at part by part, each in one plain line."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from domain.operations.setting_up import note_account
from door import Service
from line import quota
from line.client import LineClient, LineTrouble
from models.channel import the_channel
from models.programme import RichMenu


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    is_fine: bool
    words: str


def check(service: Service, line: LineClient, *, call: bool = False) -> list[Finding]:
    """Everything worth looking at. Never raises: what cannot be looked at is a finding too."""
    return [
        *_settings(service),
        *_asking(lambda: _account(service, line)),
        *_asking(lambda: _webhook(service, line)),
        *(_asking(lambda: _called(line)) if call else ()),
        *_asking(lambda: _quota(service, line)),
        *_database(service),
    ]


def _asking(ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(ask())
    except LineTrouble as trouble:
        if trouble.status == 401:
            return [
                Finding(False, "LINE does not know LINE_CHANNEL_ACCESS_TOKEN: issue a new one in the Messaging API tab")
            ]
        return [Finding(False, f"LINE answered {trouble.status or 'nothing'}: {trouble}")]


def _settings(service: Service) -> Iterator[Finding]:
    missing = service.extra["settings"].missing_for_serving()
    yield Finding(not missing, f"settings missing: {', '.join(missing)}" if missing else "all settings are there")
    public = urlsplit(service.public_url)
    if not service.practice and public.scheme != "https":
        yield Finding(False, f"PUBLIC_URL is {service.public_url or 'empty'}: LINE only calls https addresses")
    channel_of_liff = service.liff_id.partition("-")[0]
    belongs = channel_of_liff == service.login_channel_id
    yield Finding(
        belongs,
        "LIFF_ID belongs to LINE_LOGIN_CHANNEL_ID" if belongs
        else f"LIFF_ID belongs to channel {channel_of_liff or '(none)'}, not to LINE_LOGIN_CHANNEL_ID "
        f"{service.login_channel_id}: people could not sign in",
    )  # fmt: skip
    secret = service.channel_secret
    looks_right = len(secret) == 32 and all(letter in "0123456789abcdef" for letter in secret)
    if not service.practice and not looks_right:
        yield Finding(False, "LINE_CHANNEL_SECRET is not 32 hexadecimal digits: copy it from Basic settings")


def _account(service: Service, line: LineClient) -> Iterator[Finding]:
    info = line.bot_info()
    yield Finding(True, f"the account is {info.name} ({info.basic_id})")
    if info.answers_by == "chat":
        yield Finding(
            True,
            "chat is on in the account manager: switch its greeting and auto-replies off, or people get two answers",
        )
    with service.sessions.writing() as session:
        note_account(session, bot_user_id=info.user_id, basic_id=info.basic_id)
        session.commit()


def _webhook(service: Service, line: LineClient) -> Iterator[Finding]:
    wanted = f"{service.public_url}/webhook"
    try:
        address, is_on = line.webhook()
    except LineTrouble as trouble:
        if trouble.status != 404:
            raise
        yield Finding(False, f"no webhook address is set at LINE: set it to {wanted}")
        return
    yield Finding(address == wanted, f"LINE calls {address}" + ("" if address == wanted else f", not {wanted}"))
    yield Finding(
        is_on, "the webhook is switched on" if is_on else "the webhook is switched off: turn on `Use webhook`"
    )


def _called(line: LineClient) -> Iterator[Finding]:
    worked, reason = line.test_webhook()
    yield Finding(worked, "LINE reached the webhook" if worked else f"LINE could not reach the webhook: {reason}")


def _quota(service: Service, line: LineClient) -> Iterator[Finding]:
    limit, used = line.allowance()
    with suppress(SQLAlchemyError, LookupError):  # `_database` says what is wrong there
        quota.note(service.sessions, service.clock, quota.Allowance(True, limit, used))
    left = limit is None or used < limit
    yield Finding(left, f"{used} of {'unlimited' if limit is None else limit} messages are used this month")


def _database(service: Service) -> Iterator[Finding]:
    """What only our own tables know: whether LINE has ever called, and whether sending is stopped."""
    try:
        with service.sessions.reading() as session:
            channel = the_channel(session)
            published = session.scalars(select(RichMenu.language).where(RichMenu.line_id.is_not(None))).all()
    except (SQLAlchemyError, LookupError):
        yield Finding(False, "the database is not ready: run `flask migrate`")
        return
    menus = f"rich menus are published ({', '.join(sorted(published))})"
    yield Finding(bool(published), menus if published else "no rich menu is published: run `flask line menus`")
    if channel.stopped_reason:
        since = channel.quota_checked_at or datetime.now(UTC)
        yield Finding(False, f"sending is stopped since about {since:%Y-%m-%d %H:%M} UTC: {channel.stopped_reason}")
