"""What an acknowledgement of ours is held against: the SDK's sample echo bot, a bare HMAC app, and a stub of LINE."""

import asyncio
import base64
import hmac
import os
import sys

from flask import Flask, abort, request

SECRET = os.environ.get("LINE_CHANNEL_SECRET", "bench-secret")
ANSWER = b'{"sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h1Tz7b"}]}'


def echo() -> Flask:
    """The README's sample of line-bot-sdk v3, line for line, its host set to the stub."""
    from linebot.v3 import WebhookHandler
    from linebot.v3.exceptions import InvalidSignatureError
    from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, ReplyMessageRequest, TextMessage
    from linebot.v3.webhooks import MessageEvent, TextMessageContent

    app = Flask(__name__)
    configuration = Configuration(access_token="bench-token", host=os.environ["STUB"])
    handler = WebhookHandler(SECRET)

    @app.route("/webhook", methods=["POST"])
    def callback() -> str:
        signature = request.headers["X-Line-Signature"]
        body = request.get_data(as_text=True)
        app.logger.info("Request body: " + body)
        try:
            handler.handle(body, signature)
        except InvalidSignatureError:
            app.logger.info("Invalid signature. Please check your channel access token/channel secret.")
            abort(400)
        return "OK"

    @handler.add(MessageEvent, message=TextMessageContent)
    def handle_message(event: MessageEvent) -> None:
        with ApiClient(configuration) as api_client:
            line_bot_api = MessagingApi(api_client)
            line_bot_api.reply_message_with_http_info(
                ReplyMessageRequest(reply_token=event.reply_token, messages=[TextMessage(text=event.message.text)])
            )

    return app


def bare() -> Flask:
    """Flask, the signature, and nothing else."""
    app = Flask(__name__)

    @app.post("/webhook")
    def callback() -> str:
        digest = base64.b64encode(hmac.digest(SECRET.encode(), request.get_data(), "sha256"))
        if not hmac.compare_digest(digest, request.headers.get("X-Line-Signature", "").encode()):
            abort(401)
        return ""

    return app


async def stub(port: int) -> None:
    """LINE's answer to a reply, at once."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Line-Request-Id: 1\r\n"
    whole = head + f"Content-Length: {len(ANSWER)}\r\n\r\n".encode() + ANSWER

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                told = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(told.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
                await reader.readexactly(length)
                writer.write(whole)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(stub(int(sys.argv[1])))
