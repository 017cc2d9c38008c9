"""What the scores say of one person, each in a line of words with its figures small beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.reports.next_need import Need, next_needs
from domain.scores import churn, funnel_stage, napl, purchase_clock, rfm, second_purchase
from domain.scores.act_by import act_by
from domain.wording import day_words, mark, money_words, say
from models.member import Member
from models.programme import Brand, the_brand
from models.score import MemberForecast, MemberScore, ModelFit


@dataclass(frozen=True)
class Line:
    """A score: what it is called, what it says, the figures behind it."""

    name: str
    words: str
    small: str = ""


def told(session: Session, member: Member, *, language: str, now: datetime) -> dict[str, Any]:
    """The lines and the next needs, for the template; no lines before the first night."""
    score = session.get(MemberScore, member.id)
    if score is None:
        return {"lines": [], "needs": []}
    forecast = session.get(MemberForecast, member.id)
    person = _Person(session, score, forecast, language, now)
    needs = [_need_words(need, language) for need in next_needs(session, member.id, now=now)]
    return {"lines": list(person.lines()), "needs": needs}


class _Person:
    """One person's rows, and the language to speak of them in."""

    def __init__(
        self, session: Session, score: MemberScore, forecast: MemberForecast | None, language: str, now: datetime
    ) -> None:
        self.session, self.score, self.forecast, self.language = session, score, forecast, language
        self.brand: Brand = the_brand(session)
        self.today = calendar_of(session).day_of(now)

    def lines(self) -> Iterator[Line]:
        yield from self._standing()
        yield from self._clock()
        if self.forecast is not None:
            yield from self._forecast(self.forecast)
        yield from self._habits()

    def say(self, words: str, **values: Any) -> str:
        return say(self.language, words, **values)

    def _line(self, name: str, words: str, small: str = "") -> Line:
        return Line(self.say(name), self.say(words), small)

    def _standing(self) -> Iterator[Line]:
        """Life stage and RFM, by the rules the brand goes by."""
        by_purchases = self.brand.napl_by == "purchases"
        state = self.score.napl_purchases if by_purchases else self.score.napl
        if state:
            words = napl.STATES_BY_PURCHASES if by_purchases else napl.STATES
            yield self._line(mark("Life stage"), words[state], self.say("by purchases alone") if by_purchases else "")
        score = self.score
        if self.brand.rfm_by == "quintiles" and score.quintile_group is not None:
            digits = f"{score.quintile_r}-{score.quintile_f}-{score.quintile_m}"
            small = self.say("%(digits)s among all buyers", digits=digits)
            yield self._line(mark("Buying"), rfm.GROUPS[score.quintile_group], small)
        else:
            digits = f"{score.rfm_r}-{score.rfm_f}-{score.rfm_m}"
            yield self._line(mark("Buying"), rfm.GROUPS[score.rfm_group], digits)

    def _clock(self) -> Iterator[Line]:
        score = self.score
        state = purchase_clock.state_of(score.last_day, score.cycle_days, self.today)
        if state is not None and score.due_on is not None:
            due = day_words(self.language, score.due_on)
            small = self.say("every %(n)s days, due %(day)s", n=score.cycle_days, day=due)
            yield self._line(mark("Due again"), purchase_clock.STATES[state], small)

    def _forecast(self, row: MemberForecast) -> Iterator[Line]:
        if row.churn_band:
            yield self._line(mark("Risk of being lost"), churn.ALL_BANDS[row.churn_band], self._risk(row))
        if row.expected_value_12m is not None and row.clv_band:
            amount = money_words(self.language, round(row.expected_value_12m), self.brand.currency)
            small = self.say("expected in 12 months; band %(band)s", band=row.clv_band)
            yield Line(self.say(mark("Value")), amount, small)
        if row.likely_again is not None and row.likely_again_band:
            small = self.say("%(n)s in 100 come back within 90 days", n=round(row.likely_again * 100))
            yield self._line(mark("Second purchase"), second_purchase.BANDS[row.likely_again_band], small)

    def _risk(self, row: MemberForecast) -> str:
        if row.p_buys_90d is None:
            return ""
        small = self.say("buys within 90 days: %(n)s in 100", n=round(row.p_buys_90d * 100))
        until = self._act_by() if row.churn_band != "too_new" else None
        if until is None:
            return small
        return f"{small}; {self.say('act by %(day)s', day=day_words(self.language, until))}"

    def _act_by(self) -> Any:
        score = self.score
        newest = select(ModelFit).where(ModelFit.model == "mbg_nbd").order_by(ModelFit.as_of.desc()).limit(1)
        fit = self.session.scalar(newest)
        if fit is None or fit.refused or score.model_from is None or score.last_day is None:
            return None
        repeats = score.repeat_days or 0
        return act_by(fit.params, first=score.model_from, last=score.last_day, repeats=repeats, day=self.today)

    def _habits(self) -> Iterator[Line]:
        score = self.score
        if score.amount_trend is not None:
            more = mark("Spends more than before") if score.amount_trend > 100 else mark("Spends less than before")
            words = mark("Spends as much as before") if score.amount_trend == 100 else more
            small = self.say("%(n)s for every 100 of the half year before", n=score.amount_trend)
            yield self._line(mark("Trend"), words, small)
        if score.affinity:
            yield Line(self.say(mark("Likes")), ", ".join(category for category, _ in score.affinity))
        if score.funnel_stage:
            small = self.say("in the last 30 days")
            yield self._line(mark("On the way"), funnel_stage.STAGES[score.funnel_stage], small)


def _need_words(need: Need, language: str) -> Line:
    """What they may want next, and why we think so."""
    day = day_words(language, need.on) if need.on else ""
    if need.kind == "runs_out":
        small = say(language, "bought every %(n)s days, due %(day)s", n=need.days, day=day)
    elif need.kind == "goes_with":
        small = say(language, "goes with %(name)s, bought %(day)s", name=need.because, day=day)
    else:
        small = say(language, "bought on %(n)s days of the last year", n=need.days)
    return Line(say(language, mark("May want next")), need.name, small)
