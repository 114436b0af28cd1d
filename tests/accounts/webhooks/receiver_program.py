"""The receiver itself: python receiver_program.py FOLDER PORT ANSWER"""

import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

folder, port, answer = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = {"path": self.path, "headers": headers, "body": body}
        with (folder / "received.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if answer == "drip":
            return self.drip()
        self.send_response(200 if answer == "big" else int(answer))
        if answer.startswith("3"):
            self.send_header("Location", f"https://localhost:{port}/elsewhere")
        length = 10**12 if answer == "big" else 0
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if answer == "big":
            self.wfile.write(b"x" * 65536)

    def drip(self):
        for byte in b"HTTP/1.1 204 No Content\r\n" + b"X-Slow: 1\r\n" * 100:
            self.wfile.write(bytes([byte]))
            time.sleep(0.2)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "server.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
