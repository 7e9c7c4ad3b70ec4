# SPDX-License-Identifier: GPL-2.0-or-later
"""A host far away: passes HTTP on to another port, each request some milliseconds later, and counts.

What it adds is what a round trip of that length costs a request on an open connection; opening one
costs nothing more.
"""
import socket
import threading
import time

CHUNK = 1 << 18


class Stream:
    """One side of a connection, read by lines and lengths."""

    def __init__(self, sock):
        self.sock = sock
        self.bytes = b''

    def fill(self):
        more = self.sock.recv(CHUNK)
        self.bytes += more
        return bool(more)

    def head(self):
        """The first line and header fields with the empty line; b'' at the end."""
        while b'\r\n\r\n' not in self.bytes:
            if not self.fill():
                return b''
        head, _, self.bytes = self.bytes.partition(b'\r\n\r\n')
        return head + b'\r\n\r\n'

    def line(self):
        while b'\r\n' not in self.bytes:
            if not self.fill():
                raise ConnectionError('ended within a chunk')
        line, _, self.bytes = self.bytes.partition(b'\r\n')
        return line + b'\r\n'

    def relay(self, length, to, note):
        """Pass that many bytes on; note(n) hears of each n of them before they go."""
        while length:
            if not self.bytes and not self.fill():
                raise ConnectionError('ended within a body')
            part, self.bytes = self.bytes[:length], self.bytes[length:]
            note(len(part))
            to.sendall(part)
            length -= len(part)

    def relay_chunks(self, to, note):
        """Pass a chunked body on."""
        size = 1
        while size:
            line = self.line()
            size = int(line.split(b';')[0], 16)
            to.sendall(line)
            self.relay(size, to, note)
            self.relay(2, to, ignore)


def ignore(_n_bytes):
    pass


def field(head, name):
    """The value of a header field, in lower case; '' when there is none."""
    for line in head.split(b'\r\n')[1:]:
        key, _, value = line.partition(b':')
        if key.strip().lower() == name:
            return value.strip().lower().decode('latin-1')
    return ''


def relay_body(stream, head, to, note):
    """Pass the body behind a head on."""
    if field(head, b'transfer-encoding') == 'chunked':
        stream.relay_chunks(to, note)
    else:
        stream.relay(int(field(head, b'content-length') or 0), to, note)


def has_body(method, head):
    status = int(head.split(None, 2)[1])
    return method != 'HEAD' and status not in (204, 304) and status >= 200


class Count:
    """What went through: requests, and the bytes of the answers' bodies as they were sent."""

    def __init__(self, requests=0, n_bytes=0):
        self.requests, self.bytes = requests, n_bytes

    def __sub__(self, other):
        return Count(self.requests - other.requests, self.bytes - other.bytes)


class Proxy:
    """Listens on a free port of its own until it is closed."""

    def __init__(self, port, latency_ms):
        self.target, self.latency_s = ('127.0.0.1', port), latency_ms / 1000
        self.lock = threading.Lock()
        self.n_requests = self.n_bytes = 0
        self.asked = []  # (method, path), in the order of the answers
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}/services/v5'

    def count(self):
        with self.lock:
            return Count(self.n_requests, self.n_bytes)

    def take_asked(self):
        """What was asked for since this was called last."""
        with self.lock:
            asked, self.asked = self.asked, []
        return asked

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client, socket.create_connection(self.target) as server:
                for sock in (client, server):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                here, there = Stream(client), Stream(server)
                while self.pass_one(here, there):
                    pass
        except (ConnectionError, ValueError, IndexError):
            pass  # one of the two hung up, or speaks no HTTP: the connection ends

    # What a client has got was noted before, so that nobody counts too early.
    def note_request(self, method, path):
        with self.lock:
            self.n_requests += 1
            self.asked.append((method, path))

    def note_bytes(self, n_bytes):
        with self.lock:
            self.n_bytes += n_bytes

    def pass_one(self, here, there):
        """Pass one request and its answer on; false when that was the last."""
        head = here.head()
        if not head:
            return False
        method, path = head.decode('latin-1').split(' ', 2)[:2]
        if self.latency_s:
            time.sleep(self.latency_s)
        there.sock.sendall(head)
        if field(head, b'expect'):
            here.sock.sendall(there.head())  # the body comes when the server says so
        relay_body(here, head, there.sock, ignore)
        answer = there.head()
        while answer and int(answer.split(None, 2)[1]) == 100:
            answer = there.head()
        if not answer:
            return False
        self.note_request(method, path)
        here.sock.sendall(answer)
        if has_body(method, answer):
            relay_body(there, answer, here.sock, self.note_bytes)
        return 'close' not in (field(answer, b'connection'), field(head, b'connection'))
