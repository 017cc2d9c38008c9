"""Started as a process, the simulator says where it listens and keeps what happened over a restart."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from line.simulator.testing import Control

CHECKOUT = Path(__file__).parents[3]
MEI = {"user_id": "U" + "a" * 32, "name": "美玲", "language": "zh-Hant", "following": True, "member_ref": "M1"}


@contextmanager
def started(*arguments: str) -> Iterator[Control]:
    environment = {**os.environ, "LINE_CHANNEL_ACCESS_TOKEN": "a-token", "PUBLIC_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "line.simulator", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:2] == ["listening", "on"]
        yield Control(words[2])
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_people_come_from_the_towns_file_and_chats_outlive_a_restart(tmp_path: Path) -> None:
    users, state = tmp_path / "users.jsonl", tmp_path / "state.json"
    users.write_text(json.dumps(MEI, ensure_ascii=False) + "\n", "utf-8")
    body = {"to": MEI["user_id"], "messages": [{"type": "text", "text": "Hello"}]}
    headers = {"Authorization": "Bearer a-token", "X-Line-Retry-Key": "123e4567-e89b-12d3-a456-426614174000"}

    with started("--users", str(users), "--state", str(state)) as line:
        assert requests.post(f"{line.base_url}/v2/bot/message/push", json=body, headers=headers, timeout=5).ok
    with started("--users", str(users), "--state", str(state)) as line:
        assert [message["text"] for message in line.received(MEI["user_id"])] == ["Hello"]
        again = requests.post(f"{line.base_url}/v2/bot/message/push", json=body, headers=headers, timeout=5)
        assert again.status_code == 409
        assert line.user(MEI["user_id"])["member_ref"] == "M1"


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with started() as line:
        port = line.base_url.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "line.simulator", "--port", port]
        second = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert second.stderr.startswith(f"simulator: cannot start on 127.0.0.1:{port}:")
    assert len(second.stderr.splitlines()) == 1
