"""How often one address may try to sign in, register or answer; beyond that 429.

The counts are kept per process: they stop a flood, they do not account for anyone.
"""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

# Whole towns share an address behind a carrier's gateway, so these stop floods, not queues.
LIMITS = {
    "liff_login.open_session": "1200 per minute",
    "liff_registration.register": "240 per minute",
    "liff_forms.answer": "240 per minute",
    "liff_invoices.register": "240 per minute",
    "liff_referral.click": "240 per minute",
    "liff_me.show_copy": "60 per minute",
    "liff_me.erase": "60 per minute",
}


def prepare(app: Flask) -> None:
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=False)
    for endpoint, limit in LIMITS.items():
        app.view_functions[endpoint] = limiter.limit(limit)(app.view_functions[endpoint])
