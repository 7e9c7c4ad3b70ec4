# SPDX-License-Identifier: GPL-2.0-or-later
"""A webhook's receiver on a loopback port: it keeps what it is sent, and answers as it is told."""
import http.server
import json
import socket
import threading
import time


class Receiver:
    """behave(n) is asked before the nth answer: a status, or ('hang', s), ('slow', s) or 'cut'."""

    def __init__(self, behave=lambda n: 200, host='127.0.0.1', port=0):
        self.items = []
        self.headers = []
        self.paths = []
        self.behave = behave
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                receiver.take(self, json.loads(body))

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            address_family = socket.AF_INET6 if ':' in host else socket.AF_INET

            def handle_error(self, request, client_address):
                pass  # a sender that went away

        self.server = Server((host, port), Handler)
        self.port = self.server.server_address[1]
        self.url = f'http://{host}:{self.port}/hook?key=1'
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def take(self, handler, item):
        with self.changed:
            n = len(self.items)
            self.items.append(item)
            self.headers.append(handler.headers)
            self.paths.append(handler.path)
            self.changed.notify_all()
        how = self.behave(n)
        if how == 'cut':
            handler.close_connection = True
            return
        status = how
        if isinstance(how, tuple):
            time.sleep(how[1])
            status = 200
        body = b'thank you' if status == 200 else b'no, thank you'
        handler.send_response(status)
        if status in (301, 302, 307, 308):
            handler.send_header('Location', '/elsewhere')
        handler.send_header('Content-Length', str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def wait_for(self, n, deadline=60):
        """Until n items came; the test fails when they do not."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.items) >= n, deadline), \
                f'{len(self.items)} of {n} came'
        return self.items

    def names(self):
        return [item['primary_resources'][0]['name'] for item in self.items]

    def versions(self):
        return [item['project_version'] for item in self.items]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
