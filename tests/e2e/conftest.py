# SPDX-License-Identifier: GPL-2.0-or-later
"""What the end-to-end tests share: the built program, archives, a server, its request log.

Every process that is started has a deadline and is ended by its own id.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.parse

import pytest

import dialect_host
from disk import Disk

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get('STORYFS_BIN', str(ROOT / 'build' / 'src' / 'app' / 'storyfs'))
DEADLINE = 60
V5 = '/services/v5'

# Mounts keep journals, and what they loaded; those of tests are nobody's.
STATE = tempfile.TemporaryDirectory(prefix='storyfs-state-')
os.environ['XDG_STATE_HOME'] = STATE.name
CACHE = tempfile.TemporaryDirectory(prefix='storyfs-cache-')
os.environ['XDG_CACHE_HOME'] = CACHE.name


def pytest_collection_modifyitems(items):
    for item in items if dialect_host.wanted() else []:
        reason = dialect_host.cannot(item.nodeid)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def clean_env():
    """The environment without what would change how the program behaves."""
    env = {k: v for k, v in os.environ.items() if not k.startswith('STORYFS_')}
    env['XDG_CONFIG_HOME'] = '/nonexistent'
    return env


def storyfs(*args, env=None, deadline=DEADLINE, within=()):
    """Run the program to its end; within is what runs it, as nsenter does."""
    return subprocess.run([*within, BIN, *map(str, args)], capture_output=True, text=True,
                          timeout=deadline, env=env or clean_env(), stdin=subprocess.DEVNULL)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Server:
    """`storyfs serve` on a free port."""

    def __init__(self, archive, *args, listen='127.0.0.1:0', log=None, env=None, within=()):
        self.log_path = log
        more = ['--request-log', str(log)] if log else []
        self.process = subprocess.Popen(
            [*within, BIN, 'serve', str(archive), '--listen', listen, *more, *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**clean_env(), **(env or {})})
        self.front = self  # whom mounts ask
        self.line = self.process.stdout.readline()
        found = re.search(r' at (https?://(\S+):(\d+)/services/v5)$', self.line.strip())
        if not found:
            self.kill()
            raise AssertionError(f'no address in {self.line!r}: {self.process.stderr.read()}')
        self.url, self.host, port = found.groups()
        self.host = self.host.strip('[]')
        self.port = int(port)
        self.token = None
        if dialect_host.wanted() and self.url.startswith('http:'):
            self.front = dialect_host.Front(self, dialect_host.wanted())
            self.url = self.front.url

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE)

    def request(self, method, path, body=None, headers=None, token=True, connection=None):
        """path is what follows /services/v5; a body that is no text is sent as JSON."""
        send = dict(headers or {})
        if token and self.token:
            send.setdefault('X-TrackerToken', self.token if token is True else token)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            send.setdefault('Content-Type', 'application/json')
        if isinstance(body, str):
            body = body.encode()
        c = connection or self.connect()
        c.request(method, V5 + path, body=body, headers=send)
        answer = Answer(c.getresponse())
        if not connection:
            c.close()
        return answer

    def log(self):
        """The lines of the request log so far."""
        with open(self.log_path, encoding='utf-8') as f:
            return [json.loads(line) for line in f]

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """The exit status; what it said is in .errors."""
        try:
            _, self.errors = self.process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.end_front()
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=DEADLINE)
        self.end_front()

    def end_front(self):
        front, self.front = self.front, self
        if front is not self:
            front.end()


STAR = {
    'project': [{'kind': 'project', 'id': 99, 'name': 'Death Star', 'version': 5,
                 'created_at': '2014-01-01T00:00:00Z', 'updated_at': '2014-01-01T00:00:00Z',
                 'point_scale': '0,1,2,3', 'time_zone': {'kind': 'time_zone', 'olson_name': 'UTC'}}],
    'person': [{'kind': 'person', 'id': 100, 'name': 'Emperor Palpatine', 'initials': 'EP',
                'username': 'palpatine', 'email': 'emperor@galacticrepublic.gov'},
               {'kind': 'person', 'id': 101, 'name': 'Darth Vader', 'initials': 'DV',
                'username': 'vader', 'email': 'vader@deathstar.mil'}],
    'label': [{'kind': 'label', 'id': 2008, 'project_id': 99, 'name': 'rnd',
               'created_at': '2014-01-01T00:00:00Z', 'updated_at': '2014-01-01T00:00:00Z'}],
    'story': [{'kind': 'story', 'id': 555, 'project_id': 99, 'name': 'Bring me the passengers',
               'description': 'ignore the droids', 'story_type': 'feature', 'estimate': 2,
               'current_state': 'unstarted', 'requested_by_id': 101, 'owner_ids': [101],
               'owned_by_id': 101, 'url': 'http://localhost/story/show/555',
               'created_at': '2014-01-02T00:00:00Z', 'updated_at': '2014-01-02T00:00:00Z',
               'labels': [{'id': 2008, 'project_id': 99, 'name': 'rnd'}]},
              {'kind': 'story', 'id': 556, 'project_id': 99, 'name': 'All exhaust ports need a lid',
               'story_type': 'bug', 'current_state': 'unscheduled', 'requested_by_id': 100,
               'owner_ids': [], 'labels': [], 'url': 'http://localhost/story/show/556',
               'created_at': '2014-01-02T00:00:00Z', 'updated_at': '2014-01-02T00:00:00Z'}],
}


def write_dump(folder, kinds):
    """A dump folder of lists; a value that is text is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, resources in kinds.items():
        text = resources if isinstance(resources, str) else json.dumps(resources)
        (folder / f'{kind}.json').write_text(text, encoding='utf-8')
    return folder


@pytest.fixture
def disk(tmp_path):
    made = Disk(tmp_path / 'disk')
    if not made.works:
        made.close()
        pytest.skip('no tmpfs of its own: neither root nor user namespaces')
    yield made
    made.close()


@pytest.fixture(scope='session')
def star_archive(tmp_path_factory):
    """A small archive that nobody may change."""
    base = tmp_path_factory.mktemp('star')
    done = storyfs('import', write_dump(base / 'dump', STAR), base / 'a.db', '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    return base / 'a.db'


@pytest.fixture
def archive(star_archive, tmp_path):
    """A copy of it to work on."""
    return pathlib.Path(shutil.copy(star_archive, tmp_path / 'a.db'))


@pytest.fixture
def serve(tmp_path):
    """Starts servers with a token for the archive's owner (or another person), ends them all."""
    servers = []

    def start(archive, *args, person=None, **more):
        token = storyfs('user', 'token', archive, *([person] if person else []),
                        within=more.get('within', ()))
        assert token.returncode == 0, token.stderr
        more.setdefault('log', tmp_path / f'requests-{len(servers)}.log')
        server = Server(archive, *args, **more)
        server.token = token.stdout.strip()
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            code = server.stop()
            assert code == 0, f'the server ended with {code}: {server.errors}'


@pytest.fixture
def server(archive, serve):
    return serve(archive)


def quote(text):
    return urllib.parse.quote(text, safe='')
