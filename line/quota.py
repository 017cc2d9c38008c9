"""What LINE says of the month's allowance, and whether a stopped channel may speak again."""

import json
from dataclasses import dataclass

from line import troubles
from line.transport import Transport
from models.channel import the_channel
from models.clock import Clock, machine_now
from models.session import Sessions


@dataclass(frozen=True)
class Allowance:
    """The month's messages. `limit` None: unlimited. `is_known` False: LINE did not say."""

    is_known: bool
    limit: int | None = None
    used: int | None = None

    @property
    def left(self) -> int | None:
        """None: without limit."""
        return None if self.limit is None else self.limit - (self.used or 0)

    @property
    def is_left(self) -> bool:
        return self.is_known and (self.left is None or self.left > 0)


def is_waited_for(sessions: Sessions, clock: Clock) -> bool:
    """Whether the channel is stopped, or a campaign may go on by itself as soon as there are messages."""
    with sessions.reading() as session:
        if the_channel(session).stopped_reason:
            return True
        return session.scalar(troubles.waiting(clock.now(session)).limit(1)) is not None


async def ask(line: Transport) -> Allowance:
    """Both answers need a good token, so they also tell whether we are locked out."""
    plan = await line.get("/v2/bot/message/quota")
    usage = await line.get("/v2/bot/message/quota/consumption")
    if plan.status != 200 or usage.status != 200:
        return Allowance(is_known=False)
    try:
        limit = json.loads(plan.words).get("value") if "limited" in plan.words else None
        return Allowance(True, limit, json.loads(usage.words).get("totalUsage"))
    except (ValueError, AttributeError):  # a proxy's page is no answer
        return Allowance(is_known=False)


def note(sessions: Sessions, clock: Clock, allowance: Allowance) -> None:
    """Keeps what LINE said; a channel with messages left is stopped no more."""
    if not allowance.is_known:
        return
    with sessions.writing() as session:
        channel = the_channel(session)
        channel.quota_limit, channel.quota_used = allowance.limit, allowance.used
        channel.quota_checked_at = machine_now(session)
        if allowance.is_left:
            channel.stopped_reason = None
            troubles.go_on(session, clock.now(session), left=allowance.left)
        session.commit()
