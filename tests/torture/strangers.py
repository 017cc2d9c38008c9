"""F11: everything that must not open anything, against the running product: 0 accepted, 401 or 403.

    python -m tests.torture.strangers [--small] [--database sqlite|postgresql]

Webhooks with a bad, missing, truncated, or another channel's signature, or signed over other bytes; ID tokens
that are expired, of another channel or issuer, unsigned (`alg: none`), signed with the public key as a shared
secret, or tampered with; cookies that are forged, of another's, or past their time; another member's booking
and coupon; writes without JSON or from another origin; console forms without their CSRF token; API keys that
are wrong; /metrics without its key. Comparison times of signatures are measured and must not tell how many
characters were right. Twenty seconds.
"""

import base64
import hmac
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import requests
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select

from bot.webhook import is_signed
from liff import session as liff_session
from models.campaign import Campaign
from models.inbox import InboundBody
from models.member import Friend, Member
from models.store import Booking
from tests.support.factories import make_coupon, make_slot, make_store
from tests.support.serving import SECRET
from tests.support.staff import PASSWORD, StaffBrowser, add_staff
from tests.torture._audience import user_of
from tests.torture._forging import forged, hs256
from tests.torture._posts import body_of, event, signed
from tests.torture._product import Product
from tests.torture._result import Trial, check, program

KEY = "the-key-of-the-figures"
Attempt = tuple[str, Callable[[], requests.Response], set[int]]
SHUT = {401, 403}


def run(trial: Trial) -> None:
    with trial.database() as url, Product(url, trial.folder, metrics_key=KEY) as product:
        product.start("web")
        people = People(product)
        attempts = [
            *webhooks(product), *tokens(product), *cookies(product, people), *others(product, people),
            *origins(product, people), *console(product), *keys(product),
        ]  # fmt: skip
        accepted, wrong = [], []
        for name, attempt, allowed in attempts:
            status = attempt().status_code
            if status < 400:
                accepted.append(name)
            elif status not in allowed:
                wrong.append(f"{name}: {status}")
        with product.sessions.reading() as session:
            stored = session.scalar(select(func.count(InboundBody.id)))
            bookings = session.scalars(select(Booking.state)).all()
        trial.note(
            tried=len(attempts), accepted_wrongly=len(accepted) + (stored or 0), other_answers=len(wrong),
            timing=timing(100 if trial.is_small else 1_000),
        )  # fmt: skip
        check(not accepted and not wrong, f"accepted: {accepted}; neither 401 nor 403: {wrong}")
        check(list(bookings) == ["confirmed"], f"a stranger moved a booking: {list(bookings)}")
        people.still_work()


class People:
    """Two members signed in as LINE signs them in; the first has a seat and a coupon."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.users = [user_of(1), user_of(2)]
        now = datetime.now(UTC)
        product.line.add_users({"user_id": user, "following": True} for user in self.users)
        self.mei, self.rin = (self.sign_in(product.line.id_token(user)) for user in self.users)
        with product.sessions.writing() as session:
            for member in session.scalars(select(Member).join(Friend)):
                member.registered_at, member.name = now, "Somebody"
            slot = make_slot(session, make_store(session), starts_at=now + timedelta(days=3))
            make_coupon(session, "welcome")
            session.commit()
            slot_id = slot.id
        self.booking = str(self.post(self.mei, "/liff/api/bookings", {"slot_id": slot_id}).json()["id"])
        self.claim = str(self.post(self.mei, "/liff/api/coupons/welcome/claims", {}).json()["id"])

    def sign_in(self, token: str) -> requests.Session:
        browser = requests.Session()
        browser.headers.update({"Origin": self.product.url, "Accept-Language": "en"})
        browser.answer = open_session(self.product, token, browser)  # type: ignore[attr-defined]  # kept for the test
        return browser

    def post(self, browser: requests.Session, path: str, body: Any) -> requests.Response:
        answer = browser.post(self.product.url + path, json=body)
        assert answer.status_code < 400, answer.text
        return answer

    def still_work(self) -> None:
        """The doors are not merely shut to all."""
        assert self.mei.get(f"{self.product.url}/liff/api/bookings").status_code == 200
        assert self.mei.get(f"{self.product.url}/liff/api/claims/{self.claim}/code").status_code == 200


def open_session(product: Product, token: str, browser: requests.Session | None = None) -> requests.Response:
    asking = browser or requests.Session()
    headers = {"Origin": product.url}
    return asking.post(f"{product.url}/liff/api/session", json={"id_token": token}, headers=headers)


def webhooks(product: Product) -> list[Attempt]:
    body = body_of(event("follow", user_of(9), follow={"isUnblocked": False}))
    good = signed(body, product.channel.secret)["X-Line-Signature"]
    wrong = {
        "no signature": None,
        "an empty signature": "",
        "not base64": "!!!",
        "half a signature": good[:20],
        "a signature and more": good + "A",
        "another channel's signature": signed(body, "another channel's secret")["X-Line-Signature"],
        "signed over other bytes": signed(body + b" ", product.channel.secret)["X-Line-Signature"],
        "a hex digest": hmac.digest(product.channel.secret.encode(), body, "sha256").hex(),
        "signed with SHA-1": base64.b64encode(hmac.digest(product.channel.secret.encode(), body, "sha1")).decode(),
        "signed with the access token": signed(body, product.channel.access_token)["X-Line-Signature"],
        "letters of no alphabet": "\xff\xfe" * 22,
    }

    def post(signature: str | None) -> requests.Response:
        headers = {"Content-Type": "application/json"} | ({} if signature is None else {"X-Line-Signature": signature})
        return requests.post(f"{product.url}/webhook", data=body, headers=headers, timeout=20)

    return [(f"webhook: {name}", partial(post, value), SHUT) for name, value in wrong.items()]


def tokens(product: Product) -> list[Attempt]:
    good = product.line.id_token(user_of(1)) if user_of(1) else ""
    wrong = {
        "expired": product.line.id_token(user_of(1), expires_in=-3600),
        "unsigned": forged(good, header={"alg": "none"}, signature=""),
        "unsigned with the old signature": forged(good, header={"alg": "None"}),
        "a shared secret's signature": hs256(good, product.channel.secret),
        "signed with the channel id": hs256(good, product.channel.login_channel_id),
        "another channel's": forged(good, claims={"aud": "9999999999"}),
        "another issuer's": forged(good, claims={"iss": "https://evil.example"}),
        "another person's name in it": forged(good, claims={"sub": user_of(2)}),
        "a longer life": forged(good, claims={"exp": int(time.time()) + 10**7}),
        "no signature part": good.rsplit(".", 1)[0],
        "noise": "a.b.c",
        "nothing known": base64.urlsafe_b64encode(b"x" * 400).decode(),
    }
    return [
        (f"ID token: {name}", lambda token=token: open_session(product, token), SHUT) for name, token in wrong.items()
    ]  # type: ignore[misc]  # the default binds it


def cookies(product: Product, people: People) -> list[Attempt]:
    own = people.mei.cookies.get(liff_session.COOKIE) or ""
    with product.sessions.reading() as session:
        ref = session.scalars(select(Member.ref).join(Friend).where(Friend.user_id == user_of(1))).one()
    old = URLSafeTimedSerializer(SECRET, salt=liff_session.COOKIE)
    old_time = int(time.time()) - liff_session.LIFE_SECONDS - 60
    signer = old.make_signer(old.salt)
    signer.get_timestamp = lambda: old_time  # type: ignore[method-assign]  # as it was signed half a day ago
    wrong = {
        "none": "",
        "another secret's": URLSafeTimedSerializer("not the secret", salt=liff_session.COOKIE).dumps(ref),
        "another purpose's": URLSafeTimedSerializer(SECRET, salt="something else").dumps(ref),
        "tampered with": own[:-2] + ("AA" if own[-2:] != "AA" else "BB"),
        "replayed after its time": signer.sign(old.dump_payload(ref)).decode(),
        "a bare name": ref,
    }

    def get(cookie: str) -> requests.Response:
        return requests.get(
            f"{product.url}/liff/api/bookings", headers={"Cookie": f"{liff_session.COOKIE}={cookie}"}, timeout=20
        )

    return [(f"cookie: {name}", partial(get, value), SHUT) for name, value in wrong.items()]


def others(product: Product, people: People) -> list[Attempt]:
    """What is another's is not even there."""
    url, rin = product.url, people.rin
    booking = f"{url}/liff/api/bookings/{people.booking}"
    away = SHUT | {404}
    return [
        ("another's booking moved", lambda: rin.patch(booking, json={"slot_id": 1}), away),
        ("another's booking cancelled", lambda: rin.delete(booking, json={}), away),
        ("another's coupon code", lambda: rin.get(f"{url}/liff/api/claims/{people.claim}/code"), away),
        ("a page of another's phone", lambda: rin.get(
            f"{url}/liff/api/card", headers={"Regulars-Person": people.mei.answer.headers["Regulars-Person"]}), SHUT),  # type: ignore[attr-defined]  # kept above
    ]  # fmt: skip


def origins(product: Product, people: People) -> list[Attempt]:
    path, mei = f"{product.url}/liff/api/coupons/welcome/claims", people.mei
    cookie = {"Cookie": f"{liff_session.COOKIE}={mei.cookies.get(liff_session.COOKIE)}"}
    return [
        ("another site's page", lambda: mei.post(path, json={}, headers={"Origin": "https://evil.example"}), SHUT),
        ("no origin", lambda: requests.post(path, json={}, headers=cookie, timeout=20), SHUT),
        ("a form", lambda: mei.post(path, data={"a": "b"}), SHUT | {415}),
    ]  # fmt: skip


def console(product: Product) -> list[Attempt]:
    add_staff(product.sessions, "viewer")
    add_staff(product.sessions, "owner")
    viewer, owner = StaffBrowser(product.url, "viewer"), StaffBrowser(product.url, "owner")
    url, form = product.url, {"name": "Mine"}
    away = SHUT | {400}
    return [
        ("a form without its token", lambda: owner.http.post(f"{url}/console/campaigns/new", data=form), away),
        ("a token made up", lambda: owner.http.post(
            f"{url}/console/campaigns/new", data={**form, "csrf_token": "made-up"}), away),
        ("a viewer who writes", lambda: viewer_writes(product, viewer), SHUT),
        ("a wrong password", lambda: wrong_password(product), SHUT | {429}),
    ]  # fmt: skip


def viewer_writes(product: Product, viewer: StaffBrowser) -> requests.Response:
    """The console may answer with a page that says no; what counts is that nothing was made."""
    form = {"name": "Mine", "csrf_token": token_of(viewer)}
    headers = {"Referer": f"{product.url}/console/me/"}
    answer = viewer.http.post(f"{product.url}/console/campaigns/new", data=form, headers=headers)
    with product.sessions.reading() as session:
        if not session.scalar(select(func.count(Campaign.id))):
            answer.status_code = 403
    return answer


def token_of(browser: StaffBrowser) -> str:
    return str(browser.form_request(page="/console/me/")[1].partition("=")[2])


def wrong_password(product: Product) -> requests.Response:
    """Signing in badly shows the form again; whether it opened anything is asked of the next page."""
    browser = requests.Session()
    page = browser.get(f"{product.url}/console/sign-in").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "login": "owner", "password": PASSWORD + "?"}
    browser.post(f"{product.url}/console/sign-in", data=form, headers={"Referer": f"{product.url}/console/sign-in"})
    answer = browser.get(f"{product.url}/console/members/")
    if "/sign-in" in answer.url:
        answer.status_code = 401  # sent back to the door
    return answer


def keys(product: Product) -> list[Attempt]:
    def ask(path: str, key: str | None, **more: Any) -> requests.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return requests.request(more.pop("method", "POST"), product.url + path, headers=headers, timeout=20, **more)

    real = product.run("key", "add", "shop").split()[-1]
    assert ask("/api/v1/members", real, json=[]).status_code not in SHUT
    return [
        ("no API key", lambda: ask("/api/v1/members", None, json=[]), SHUT),
        ("half an API key", lambda: ask("/api/v1/members", real[: len(real) // 2], json=[]), SHUT),
        ("an API key made up", lambda: ask("/api/v1/purchases", "reg_0123456789abcdef", json=[]), SHUT),
        ("figures without a key", lambda: ask("/metrics", None, method="GET"), SHUT),
        ("figures with a wrong key", lambda: ask("/metrics", KEY[:-1], method="GET"), SHUT),
    ]


def timing(rounds: int) -> str:
    """How long comparing takes when the first or the last character of a signature is wrong: a ratio near one."""
    secret, body = "a secret", b"x" * 600
    good = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    first, last = "?" + good[1:], good[:-2] + "?="
    spent: dict[str, list[float]] = {first: [], last: []}
    for _ in range(rounds):
        for signature, times in spent.items():
            began = time.perf_counter()
            for _ in range(20):
                is_signed(body, signature, secret)
            times.append(time.perf_counter() - began)
    ratio = statistics.median(spent[first]) / statistics.median(spent[last])
    check(0.8 < ratio < 1.25, f"comparing takes {ratio:.2f} times as long when the first character is wrong")
    return f"{ratio:.2f}"


if __name__ == "__main__":
    program("F11", run, doc=__doc__ or "")
