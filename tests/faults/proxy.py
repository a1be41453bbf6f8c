# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between real processes that can do what networks do. One thread, loopback only.

    proxy = Proxy(target_port).start()
    proxy.fault("stall")      # until the next call

    pass     bytes go through                      stall    connections stay, no byte moves (a cable that was cut)
    refuse   what is open is reset, nothing new    reset    what is open is reset at once, new ones work
    halve    the target's answers end (FIN), while requests still go out
    slow     at most 20 kB a second each way       chop     every write goes on as single small pieces
"""
import selectors
import socket
import struct
import threading
import time

FAULTS = ("stall", "refuse", "reset", "halve", "slow", "chop")
_RST = struct.pack("ii", 1, 0)


class Pair:
    """One connection: two sockets and what is on its way between them."""

    def __init__(self, client: socket.socket, target: socket.socket):
        self.ends = (client, target)
        self.waiting = {client: bytearray(), target: bytearray()}  # to be sent to that end
        self.halved = False

    def other(self, end: socket.socket) -> socket.socket:
        return self.ends[1] if end is self.ends[0] else self.ends[0]

    def close(self, reset: bool):
        for end in self.ends:
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            end.close()


class Proxy:
    def __init__(self, target: int, port: int = 0):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self._kind = "pass"
        self._once = False  # reset and halve strike what is open at that moment
        self._pairs: list[Pair] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> "Proxy":
        self._thread.start()
        return self

    def stop(self):
        self._end.set()
        self._thread.join()
        self.listener.close()

    def fault(self, kind: str):
        assert kind in FAULTS or kind == "pass", kind
        self._kind, self._once = kind, True

    def _loop(self):
        while not self._end.is_set():
            kind, once, self._once = self._kind, self._once, False
            if kind in ("refuse", "reset") and (once or kind == "refuse"):
                self._drop_all()
            if kind == "halve" and once:
                self._halve_all()
            self._turn(kind)
        self._drop_all()

    def _turn(self, kind: str):
        """Waits for one round of events at most 20 ms, so that a fault strikes soon."""
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        for pair in self._pairs if kind != "stall" else []:
            for end in pair.ends:
                want = 0
                if len(pair.waiting[pair.other(end)]) < 65536:
                    want |= selectors.EVENT_READ
                if pair.waiting[end] and not (pair.halved and end is pair.ends[0]):
                    want |= selectors.EVENT_WRITE
                if want:
                    selector.register(end, want, pair)
        ready = selector.select(0.02)
        selector.close()
        for key, mask in ready:
            if key.data is None:
                self._accept(kind)
            elif key.data in self._pairs:
                try:
                    self._move(key.data, key.fileobj, mask, kind)
                except OSError:
                    self._drop(key.data, True)
        if kind in ("slow", "chop") and ready:
            time.sleep(0.01 if kind == "slow" else 0.001)

    def _accept(self, kind: str):
        client, _ = self.listener.accept()
        try:
            if kind == "refuse":
                raise OSError
            target = socket.create_connection(("127.0.0.1", self.target), timeout=1)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            client.close()
            return
        for end in (client, target):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs.append(Pair(client, target))

    def _move(self, pair: Pair, end: socket.socket, mask: int, kind: str):
        size = {"slow": 200, "chop": 7}.get(kind, 65536)
        if mask & selectors.EVENT_READ:
            data = end.recv(65536)
            if not data:
                return self._drop(pair, False)
            pair.waiting[pair.other(end)] += data
        if mask & selectors.EVENT_WRITE and pair.waiting[end]:
            sent = end.send(bytes(pair.waiting[end][:size]))
            del pair.waiting[end][:sent]

    def _halve_all(self):
        for pair in self._pairs:
            pair.halved = True
            pair.ends[0].shutdown(socket.SHUT_WR)

    def _drop(self, pair: Pair, reset: bool):
        pair.close(reset)
        self._pairs.remove(pair)

    def _drop_all(self):
        for pair in list(self._pairs):
            self._drop(pair, True)
