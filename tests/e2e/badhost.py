# SPDX-License-Identifier: GPL-2.0-or-later
"""A host between a client and a V5 server that passes on what it is asked, until it is told to be bad.

Each way is a method; `host.be('hang')` turns it on, `host.be('well')` off. A request that is under way
keeps the way it began with.
"""
import contextlib
import http.client
import http.server
import json
import socket
import threading
import time

HELD_S = 30  # longer than any patience; the end cuts it short
DRIP_S = 0.25
VERSIONS_BACK = 1000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def handle(self):
        with self.server.host.lock:
            self.server.host.connections.add(self.request)
        try:
            super().handle()
        finally:
            with self.server.host.lock:
                self.server.host.connections.remove(self.request)

    def any(self):
        host = self.server.host
        length = int(self.headers.get('Content-Length', 0))
        self.sent = self.rfile.read(length)
        with host.lock:
            host.asked.append((self.command, self.path))
            way = host.way
        getattr(host, way)(self)

    do_GET = do_PUT = do_POST = do_DELETE = any

    def forward(self):
        """The server's answer: status, [(name, value)], body."""
        host = self.server.host
        to = getattr(host.to, 'front', host.to)  # in a dialect, if the tests are run so
        connection = http.client.HTTPConnection(to.host, to.port, timeout=HELD_S)
        try:
            headers = {k: v for k, v in self.headers.items()
                       if k.lower() not in ('host', 'connection', 'accept-encoding', 'content-length')}
            connection.request(self.command, self.path, self.sent or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ('content-length', 'connection', 'transfer-encoding'):
                self.send_header(name, value)
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # clients that give up are what this is about


class BadHost:
    listener_class, handler_class, scheme, name = Listener, Handler, 'http', '127.0.0.1'

    def __init__(self, to):
        self.to, self.way, self.asked, self.n_held = to, 'well', [], 0
        self.lock, self.over, self.go_on = threading.Lock(), threading.Event(), threading.Event()
        self.host, self.port, self.connections = '127.0.0.1', None, set()
        self.listen()

    def listen(self):
        self.listener = self.listener_class(('127.0.0.1', self.port or 0), self.handler_class)
        self.listener.host = self
        self.port = self.listener.server_address[1]
        self.url = f'{self.scheme}://{self.name}:{self.port}/services/v5'
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def be(self, way):
        if way == 'gone':
            self.close()
        elif self.way == 'gone':
            self.listen()
        with self.lock:
            self.way, self.asked, self.n_held = way, [], 0
        self.go_on.set()  # wakes all who wait
        self.go_on.clear()

    def end(self):
        self.over.set()
        if self.way != 'gone':
            self.close()

    # ---- ways; of a write it is told whether the server gets it ----

    def well(self, h):
        h.answer(*h.forward())

    def gone(self, h):
        h.close_connection = True

    def hang(self, h):
        """Says nothing, and passes nothing on."""
        self.over.wait(HELD_S)
        h.close_connection = True

    def deaf(self, h):
        """Passes it on, and says nothing."""
        h.forward()
        self.hang(h)

    def held(self, h):
        """Passes it on; the answer to a write comes with the next way."""
        if h.command == 'GET':
            self.well(h)
        else:
            self.late(h)

    def late(self, h):
        """Passes it on; the answer comes with the next way."""
        answer = h.forward()
        with self.lock:
            self.n_held += 1
        self.go_on.wait(HELD_S)
        h.answer(*answer)

    def drip(self, h):
        """Byte by byte, slower than anyone waits for."""
        status, headers, body = h.forward()
        h.send_response_only(status)
        h.send_header('Content-Length', str(len(body)))
        h.end_headers()
        for i in range(len(body)):
            h.wfile.write(body[i:i + 1])
            if self.over.wait(DRIP_S):
                return

    def cut(self, h):
        """Passes it on; half of the answer comes."""
        status, headers, body = h.forward()
        h.send_response_only(status)
        h.send_header('Content-Length', str(len(body) + 1))
        h.end_headers()
        h.wfile.write(body[:len(body) // 2])
        h.close_connection = True

    def html(self, h):
        h.answer(503, [('Content-Type', 'text/html')], b'<html><h1>Down for maintenance</h1></html>')

    def busy(self, h):
        h.answer(429, [('Retry-After', '60')], b'')

    def nonsense(self, h):
        """Takes nothing, and says it is well, in no JSON."""
        h.answer(200, [('Content-Type', 'application/json')], b'{"kind": "story", ')

    def short(self, h):
        """Lists are said to be longer than they are."""
        status, headers, body = h.forward()
        data = json.loads(body) if body and h.command == 'GET' else None
        if isinstance(data, list) and len(data) > 1:
            body = json.dumps(data[:1]).encode()
        h.answer(status, headers, body)

    def back(self, h):
        """Older versions than were told before, as after a restore."""
        status, headers, body = h.forward()
        headers = [(k, str(max(1, int(v) - VERSIONS_BACK)) if k == 'X-Tracker-Project-Version' else v)
                   for k, v in headers]
        data = json.loads(body) if body else None
        for project in data if isinstance(data, list) else []:
            if 'version' in project:
                project['version'] = max(1, project['version'] - VERSIONS_BACK)
        h.answer(status, headers, json.dumps(data).encode() if body else b'')
