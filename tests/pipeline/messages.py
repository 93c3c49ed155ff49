"""A web server and a mail server that keep what they are told."""

import http.server
import json
import socketserver
import threading


class Messages:
    """Takes what is posted, and what is mailed, on two ports of loopback."""

    def __init__(self) -> None:
        self.posted: list[dict[str, str]] = []
        self.mailed: list[str] = []
        messages = self

        class Post(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        class Mail(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                text = False
                for line in self.rfile:
                    if text:
                        messages.mailed.append(line.decode().strip())
                        text = line != b".\r\n"
                    else:
                        text = line.lower().startswith(b"data")
                    if not text or line.lower().startswith(b"data"):
                        self.wfile.write(b"354 go on\r\n" if text else b"250 well\r\n")

        self.servers = [
            socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler, bind_and_activate=True)
            for handler in (Post, Mail)
        ]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @property
    def ports(self) -> list[int]:
        return [server.server_address[1] for server in self.servers]
