"""Every environment variable: name, default, meaning. Read once, by the composition root alone."""

import sys
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import list_currencies
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LINE_SETTINGS = (
    "LINE_CHANNEL_SECRET",
    "LINE_CHANNEL_ACCESS_TOKEN",
    "LINE_LOGIN_CHANNEL_ID",
    "LIFF_ID",
    "PUBLIC_URL",
)


class Settings(BaseSettings):
    """What the environment says. Frozen: nothing changes it after the start."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    database_url: str = Field("sqlite:///var/regulars.db", description="SQLAlchemy address of the database")
    secret_key: SecretStr = Field(SecretStr(""), description="Signs cookies and codes; 32 random characters or more")
    public_url: str = Field("", description="Where members and LINE reach this app, such as https://app.example.com")
    business_timezone: str = Field("Asia/Taipei", description="Where the shop's days begin and end")
    currency: str = Field("TWD", description="ISO code of the money in the files")
    line_channel_secret: SecretStr = Field(SecretStr(""), description="Messaging API channel secret")
    line_channel_access_token: SecretStr = Field(SecretStr(""), description="Messaging API access token")
    line_login_channel_id: str = Field("", description="LINE Login channel id the LIFF app lives on")
    liff_id: str = Field("", description="LIFF app id")
    line_api_base: str = Field("", description="Unset: LINE itself. Set: a simulator on loopback (practice mode)")
    metrics_key: SecretStr = Field(SecretStr(""), description="Bearer key of GET /metrics; unset: the page is closed")
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=9,
        description="How many proxies of your host stand before this app; 0: who connects is who asks",
    )
    job_lease_seconds: float = Field(
        60.0, ge=1, le=3600, description="How long after the death of whoever ran it a job is taken up again"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged")

    @field_validator("business_timezone")
    @classmethod
    def _a_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{value!r} is not a time zone such as Asia/Taipei") from None
        return value

    @field_validator("currency")
    @classmethod
    def _a_currency(cls, value: str) -> str:
        if value not in list_currencies():
            raise ValueError(f"{value!r} is not a currency code such as TWD")
        return value

    @field_validator("line_api_base")
    @classmethod
    def _only_loopback(cls, value: str) -> str:
        if value and urlsplit(value).hostname not in LOOPBACK:
            raise ValueError("must be a loopback address such as http://127.0.0.1:8001, or unset for LINE itself")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError(f"{value!r} is not an address such as https://app.example.com")
        return value.rstrip("/")

    @cached_property
    def practice(self) -> bool:
        """Whether LINE is the simulator on loopback."""
        return bool(self.line_api_base)

    def missing_for_serving(self) -> list[str]:
        """Names that `web` and `worker` cannot do without."""
        secret = self.secret_key.get_secret_value()
        missing = [name for name in LINE_SETTINGS if not _plain(getattr(self, name.lower()))]
        return missing if len(secret) >= 16 else ["SECRET_KEY (16 characters or more)", *missing]


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def read_settings() -> Settings:
    """The settings of this process. What is malformed stops the start with one line."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        sys.exit(f"{name}: {first['msg'].removeprefix('Value error, ')}")
