# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on loopback that takes every body whole and answers 201 at once. It is a thread of the bench itself,
whose CPU is not counted."""
import socketserver
import threading

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.rfile.read(length)
            if len(body) < length:
                return
            self.server.took(body)
            self.wfile.write(ANSWER)


class Gateway(socketserver.ThreadingTCPServer):
    """Counts what came since `count_anew`; with `keep` the bodies stay in `bodies`."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Connection)
        self.lock = threading.Lock()
        self.keep = False
        self.bodies = []
        self.requests = self.bytes = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/events"

    def took(self, body):
        with self.lock:
            self.requests += 1
            self.bytes += len(body)
            if self.keep:
                self.bodies.append(body)

    def count_anew(self):
        with self.lock:
            self.requests = self.bytes = 0

    def stop(self):
        self.shutdown()
        self.server_close()
