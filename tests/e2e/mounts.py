# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounts to run programs on: of the fake tree, and of a real server.

Both have stories that are alike and that nobody else touches (`take_story`), whose description is
INITIAL; both tell which saves reached the server, and refuse them when told to. Every process has a
deadline, and no mount is left behind.
"""
import errno
import http.server
import itertools
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import types
import urllib.error
import urllib.request

import dialect_host

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get('STORYFS_BIN', ROOT / 'build/src/app/storyfs'))
FAKEFS = BIN.parents[2] / 'tests/unit/fakefs'
FIELD = 'description'
INITIAL = b'one\ntwo\nthree\n'
N_STORIES = 300
TIMEOUT_S = 2
DEADLINE = 60

# How a server can refuse: what it answers, and what a program then gets to see. A hang is not
# answered in time.
REFUSALS = {
    '400': (400, errno.EINVAL), '403': (403, errno.EACCES), '404': (404, errno.ENOENT),
    # Who is known to carry out what it refuses so is not believed.
    '503': (503, errno.EIO if dialect_host.wanted() else errno.EHOSTDOWN), 'hang': (None, errno.ETIMEDOUT),
}
WORDS = 'The story is carved in stone.'


def wait_until(what, seconds=10.0):
    """Poll until what() is true; its last answer."""
    end = time.monotonic() + seconds
    while not (answer := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def read(path):
    """The bytes; None when there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def is_mounted(path):
    with open('/proc/self/mountinfo', encoding='utf-8') as mounts:
        return any(line.split()[4] == str(path) for line in mounts)


def unmount(path):
    """By any means, without asking the mount anything."""
    for how in (['fusermount3', '-u'], ['fusermount3', '-u', '-z'], ['umount', '-l']):
        if is_mounted(path):
            subprocess.run([*how, str(path)], timeout=DEADLINE, capture_output=True, check=False)


class Mount:
    """What both kinds have: a story at a time, its field, and the saves since."""

    def __init__(self):
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix='storyfs-e2e-'))
        self.path = self.tmp / 'mnt'
        self.path.mkdir()
        self.process = None
        self.stories = itertools.count()

    def start(self, argv, env=None):
        self.process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE,
                                        stderr=open(self.tmp / 'stderr', 'wb'), env=env)

    def take_story(self):
        """The directory of a story nobody has used."""
        return self.story_dir(next(self.stories))

    def finish(self):
        """Unmount: nothing more reaches the server then."""
        process, self.process, code = self.process, None, None
        unmount(self.path)
        if process:
            try:
                code = process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        said = (self.tmp / 'stderr').read_text('utf-8', 'replace')
        # What went wrong at the end (a leak, a sanitizer's finding) is a failure, too.
        assert code in (0, None), f'exit {code}: {said}'
        assert 'ERROR: ' not in said and 'runtime error' not in said, said

    def close(self):
        try:
            self.finish()
        finally:
            unmount(self.path)
            shutil.rmtree(self.tmp, ignore_errors=True)


class FakeMount(Mount):
    """The fake tree of tests/unit/fake_tree.c."""

    def __init__(self, vacated_ms=3000):
        super().__init__()
        self.log, self.control = self.tmp / 'log', self.tmp / 'control'
        self.log.touch()
        self.control.touch()
        self.start([FAKEFS, self.path, self.log, self.control, N_STORIES, vacated_ms,
                    TIMEOUT_S * 1000])
        assert self.process.stdout.readline() == b'ready\n', (self.tmp / 'stderr').read_text()

    def story_dir(self, i):
        return self.path / 'projects/99/stories' / str(555 + i)

    def saves(self, story):
        """[(field, bytes, errno or 0)] that reached the server for this story."""
        rows = [line.split(' ') for line in self.log.read_text().splitlines()]
        return [(field, bytes.fromhex(data), int(outcome))
                for id_, field, outcome, data in rows if id_ == story.name]

    def refuse(self, how=None):
        """Refuse every save from now on; with None take them again."""
        if how is None:
            self.control.write_text('')
        elif how == 'hang':
            self.control.write_text('delay 60000\n')
        else:
            self.control.write_text(f'refuse {REFUSALS[how][1]} {WORDS}\n')

    def delay(self, ms):
        self.control.write_text(f'delay {ms}\n')

    def change(self, story, field, text):
        """Somebody else changes a field, and the mount was told when this returns."""
        self.control.write_text(f'set {story.name} {field} {text}\n')
        self.process.send_signal(signal.SIGUSR1)
        assert select.select([self.process.stdout], [], [], DEADLINE)[0]
        assert self.process.stdout.readline() == b'applied\n'


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and answers PUTs by itself when it is told to refuse."""
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ('content-length', 'transfer-encoding', 'connection', 'date',
                                    'server'):
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, how, body):
        mount = self.server.mount
        mount.tried.append((self.path, body, REFUSALS[how][1]))
        if how == 'hang':
            time.sleep(TIMEOUT_S + 3)
            self.close_connection = True
            return
        if how == '503':
            self.answer(503, [('Content-Type', 'text/html')],
                        f'<html><body><h1>{WORDS}</h1></body></html>'.encode())
            return
        code = {'400': 'invalid_parameter', '403': 'unauthorized_operation',
                '404': 'unfound_resource'}[how]
        error = {'code': code, 'kind': 'error', 'error': 'No.', 'general_problem': WORDS}
        self.answer(REFUSALS[how][0], [('Content-Type', 'application/json')],
                    json.dumps(error).encode())

    def handle_any(self):
        mount = self.server.mount
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        if self.command == 'PUT' and mount.refusing:
            self.refuse(mount.refusing, body)
            return
        request = urllib.request.Request(
            mount.server_url + self.path, data=body or None, method=self.command,
            headers={k: v for k, v in self.headers.items()
                     if k.lower() not in ('host', 'connection', 'accept-encoding')})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as response:
                status, headers, data = response.status, response.getheaders(), response.read()
        except urllib.error.HTTPError as e:
            status, headers, data = e.code, list(e.headers.items()), e.read()
        if self.command == 'PUT':
            mount.tried.append((self.path, body, 0 if status < 300 else status))
        self.answer(status, headers, data)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = handle_any


class RealMount(Mount):
    """`storyfs mount` of a `storyfs serve` of an archive, with a proxy between them."""

    def __init__(self):
        super().__init__()
        self.tried, self.refusing, self.server, self.front = [], None, None, None
        archive = self.tmp / 'archive.db'
        env = {k: v for k, v in os.environ.items() if not k.startswith('STORYFS_')}
        env['XDG_CONFIG_HOME'] = env['XDG_CACHE_HOME'] = str(self.tmp)
        self.run(env, 'import', *(ROOT / 'packaging/demo-data').iterdir(), archive)
        self.token = re.search(r'[0-9a-f]{32}', self.run(env, 'user', 'token', archive)).group()
        self.server = subprocess.Popen(
            [BIN, 'serve', archive, '--listen', '127.0.0.1:0'], env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.server.stdout.readline()
        self.server_url = re.search(r'http://[^/\s]+', line).group()
        self.make_stories()
        self.proxy = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Proxy)
        self.proxy.daemon_threads = True
        self.proxy.mount = self
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{self.proxy.server_port}/services/v5'
        if dialect_host.wanted():
            self.front = dialect_host.Front(types.SimpleNamespace(host='127.0.0.1', port=self.proxy.server_port),
                                            dialect_host.wanted())
            url = self.front.url
        self.start([BIN, 'mount', url, self.path, '-f', '-o', f'timeout={TIMEOUT_S}'],
                   {**env, 'STORYFS_TOKEN': self.token})
        assert wait_until(lambda: is_mounted(self.path)), (self.tmp / 'stderr').read_text()

    @staticmethod
    def run(env, *args):
        done = subprocess.run([str(BIN), *map(str, args)], env=env, text=True, check=True,
                              capture_output=True, timeout=DEADLINE)
        return done.stdout

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f'{self.server_url}/services/v5{path}', method=method,
            data=json.dumps(body).encode() if body else None,
            headers={'X-TrackerToken': self.token, 'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:
            return json.load(response)

    def make_stories(self):
        self.project = self.ask('GET', '/projects')[0]['id']
        text = INITIAL.decode()[:-1]
        self.ids = [self.ask('POST', f'/projects/{self.project}/stories',
                             {'name': f'Story {i}', 'description': text})['id']
                    for i in range(N_STORIES)]

    def story_dir(self, i):
        return self.path / f'projects/{self.project}/stories/{self.ids[i]}'

    def saves(self, story):
        found = []
        for path, body, outcome in list(self.tried):
            if not re.search(rf'/stories/{story.name}(\?|$)', path):
                continue
            for field, value in json.loads(body).items():
                found.append((field, b'' if value is None else str(value).encode(), outcome))
        return found

    def refuse(self, how=None):
        self.refusing = how

    def close(self):
        try:
            super().close()
        finally:
            if self.front:
                self.front.end()
            self.proxy.shutdown()
            self.server.terminate()
            self.server.wait(DEADLINE)


KINDS = {'fake': FakeMount, 'real': RealMount}


def is_built(kind):
    return FAKEFS.exists() if kind == 'fake' else BIN.exists()
