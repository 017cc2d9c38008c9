"""How to reach LINE: the token, and where it lives (LINE's hosts, or the simulator on loopback)."""

from dataclasses import dataclass

LINE_HOST = "https://api.line.me"
LINE_DATA_HOST = "https://api-data.line.me"
TIMEOUT_SECONDS = (3.0, 10.0)  # connect, read; the SDK has none of its own


@dataclass(frozen=True)
class LineAccess:
    """What any caller of LINE needs. `base` is empty for LINE itself."""

    token: str
    base: str = ""
    login_channel_id: str = ""

    @property
    def host(self) -> str:
        return self.base or LINE_HOST

    @property
    def data_host(self) -> str:
        return self.base or LINE_DATA_HOST
