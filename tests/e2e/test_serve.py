# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs serve` over real sockets: what a V5 client may rely on, and what a bad one cannot do."""
import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

from conftest import BIN, DEADLINE, V5, clean_env, storyfs

LIMIT = 16 << 20


def curl(*args):
    done = subprocess.run(['curl', '-sS', '--max-time', str(DEADLINE), *args],
                          capture_output=True, text=True, timeout=DEADLINE + 5)
    assert done.returncode == 0, done.stderr
    return done.stdout


def raw(server, data, until_closed=True):
    """Send bytes, return what comes back until the server closes, or has been silent for long."""
    with socket.create_connection((server.host, server.port), timeout=DEADLINE) as s:
        s.sendall(data)
        if not until_closed:
            return s.recv(65536)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(3)
        got = b''
        try:
            while piece := s.recv(65536):
                got += piece
        except TimeoutError:
            pass
        return got


def test_it_says_where_it_serves(server, archive):
    assert server.line == f'storyfs: serving {archive} at {server.url}\n'
    assert server.port > 0


def test_the_token_says_who_asks(server):
    me = server.request('GET', '/me')
    assert me.status == 200
    assert me.json()['username'] == 'palpatine'
    assert server.request('GET', '/me', token='0' * 32).json()['code'] == 'invalid_authentication'


def test_each_person_can_have_a_token(archive, serve):
    server = serve(archive, person='VADER@deathstar.mil')
    assert server.request('GET', '/me').json()['username'] == 'vader'


def test_the_announced_examples_work(server):
    story = json.loads(curl(
        '-X', 'GET', '-H', f'X-TrackerToken: {server.token}',
        f'{server.url}/stories/555?fields=name,description,estimate,owned_by(name)'))
    assert story == {'id': 555, 'name': 'Bring me the passengers',
                     'description': 'ignore the droids', 'estimate': 2,
                     'owned_by': {'id': 101, 'name': 'Darth Vader'}}
    story = json.loads(curl(
        '-X', 'PUT', '-H', f'X-TrackerToken: {server.token}', '-H', 'Content-Type: application/json',
        '-d', '{"name":"That\'s no moon..."}', f'{server.url}/projects/99/stories/555'))
    assert story['name'] == "That's no moon..."


def test_a_connection_serves_many_requests(server):
    c = server.connect()
    for path in ('/me', '/projects', '/projects/99/nonsense', '/projects/99/stories'):
        server.request('GET', path, connection=c)
        assert c.sock is not None
    c.close()


def test_head_answers_without_a_body(server):
    get = server.request('GET', '/projects/99/stories/555')
    head = server.request('HEAD', '/projects/99/stories/555')
    assert head.body == b''
    assert head.status == get.status
    assert head.headers['Content-Type'] == get.headers['Content-Type']
    assert head.headers['Content-Length'] == get.headers['Content-Length']


def test_no_content_means_none(server):
    gone = server.request('DELETE', '/projects/99/stories/556')
    assert (gone.status, gone.body) == (204, b'')
    assert 'Content-Length' not in gone.headers
    assert 'Content-Type' not in gone.headers


def test_any_method_gets_an_answer(server):
    for method in ('BREW', 'PATCH', 'TRACE', 'OPTIONS'):
        answer = server.request(method, '/projects/99')
        assert answer.status < 500, (method, answer.status)
        assert answer.headers['Access-Control-Allow-Origin'] == '*'


def test_get_takes_parameters_from_its_body(server):
    answer = server.request('GET', '/projects/99/stories', body={'limit': 1})
    assert answer.status == 200
    assert len(answer.json()) == 1
    assert server.log()[-1]['request'] == '{"limit": 1}'


@pytest.mark.parametrize('chunked', [False, True])
def test_a_body_over_the_limit_is_refused_in_v5s_shape(server, chunked):
    body = b'x' * (LIMIT + 1)
    c = server.connect()
    c.request('PUT', V5 + '/projects/99/stories/555', body=iter([body]) if chunked else body,
              headers={'X-TrackerToken': server.token}, encode_chunked=chunked)
    answer = c.getresponse()
    error = json.loads(answer.read())
    assert answer.status == 413
    assert error['kind'] == 'error' and error['code'] == 'request_too_large'
    assert str(LIMIT) in error['general_problem']
    assert answer.headers['Access-Control-Allow-Origin'] == '*'
    assert server.request('GET', '/projects/99/stories/555').json()['description'] == \
        'ignore the droids'
    assert server.log()[0]['status'] == 413
    assert server.log()[0]['request'] is None


def test_a_body_of_the_limit_reaches_the_server(server):
    answer = server.request('PUT', '/projects/99/stories/555', body=b' ' * LIMIT)
    assert answer.status != 413


def test_a_client_that_asks_first_need_not_send_what_is_too_much(server):
    got = raw(server, b'PUT /services/v5/projects/99/stories/555 HTTP/1.1\r\nHost: x\r\n'
                      b'Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n', False)
    assert got.startswith(b'HTTP/1.1 413 ')


def test_a_body_without_end_is_cut_off(server):
    with socket.create_connection((server.host, server.port), timeout=DEADLINE) as s:
        s.sendall(b'POST /services/v5/projects/99/stories HTTP/1.1\r\nHost: x\r\n'
                  b'Transfer-Encoding: chunked\r\n\r\n')
        piece = b'100000\r\n' + b'x' * 0x100000 + b'\r\n'
        with pytest.raises(OSError):
            for _ in range(1000):
                s.sendall(piece)
    assert server.request('GET', '/me').status == 200


def test_slow_clients_hold_up_nobody(server):
    slow = []
    for i in range(60):
        s = socket.create_connection((server.host, server.port), timeout=DEADLINE)
        s.sendall(b'GET /services/v5/me HTTP/1.1\r\nHost:' if i % 2 else
                  b'PUT /services/v5/stories/555 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
        slow.append(s)
    began = time.monotonic()
    for _ in range(20):
        assert server.request('GET', '/me').status == 200
    assert time.monotonic() - began < 10
    slow[1].sendall(f' x\r\nX-TrackerToken: {server.token}\r\n\r\n'.encode())
    assert slow[1].recv(100).startswith(b'HTTP/1.1 200 ')
    for s in slow:
        s.close()


@pytest.mark.parametrize('data', [
    b'hello\r\n\r\n', b'\0\0\0\0', b'GET\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n', b'\x16\x03\x01\x02\x00',
    b'GET /' + b'a' * 300000 + b' HTTP/1.1\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
    b'GET /services/v5/%00%ff%zz?%00=%ff HTTP/1.1\r\nHost: x\r\n\r\n',
], ids=range(9))
def test_nonsense_is_survived(server, data):
    got = raw(server, data)
    assert not got or got.startswith(b'HTTP/1.')
    assert b' 200 ' not in got[:20]
    assert server.request('GET', '/me').status == 200


def test_a_client_that_goes_away_half_way_is_survived(server):
    for piece in (b'PUT /services/v5/stories/555 HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nsho',
                  b'GET /services/v5/projects/99/stories HTTP/1.1\r\nHost: x\r\n\r\n', b'', b'G'):
        with socket.create_connection((server.host, server.port), timeout=DEADLINE) as s:
            s.sendall(piece)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    assert server.request('GET', '/me').status == 200
    assert server.request('GET', '/projects/99/stories/555').json()['description'] == \
        'ignore the droids'


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_when_it_is_idle(server, number):
    idle = server.connect()
    server.request('GET', '/me', connection=idle)
    half = socket.create_connection((server.host, server.port), timeout=DEADLINE)
    half.sendall(b'PUT /services/v5/stories/555 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
    began = time.monotonic()
    server.signal(number)
    assert server.wait() == 0, server.errors
    assert time.monotonic() - began < 8
    with pytest.raises(OSError):
        socket.create_connection((server.host, server.port), timeout=1)


def test_a_request_that_runs_is_finished_before_the_end(server, archive):
    # Another program's write holds up the PUT, so that the signal meets it half done.
    lock = sqlite3.connect(archive, isolation_level=None)
    lock.execute('BEGIN IMMEDIATE')
    answers = []
    put = threading.Thread(target=lambda: answers.append(
        server.request('PUT', '/projects/99/stories/555', body={'name': 'finished'})))
    put.start()
    time.sleep(0.5)
    server.signal(signal.SIGTERM)
    time.sleep(0.5)
    assert server.process.poll() is None
    lock.execute('ROLLBACK')
    put.join(DEADLINE)
    lock.close()
    assert server.wait() == 0
    assert answers[0].status == 200
    assert answers[0].json()['name'] == 'finished'
    assert answers[0].headers['Connection'].lower() == 'close'
    again = sqlite3.connect(archive)
    assert again.execute('SELECT name FROM story WHERE id = 555').fetchone() == ('finished',)


@pytest.mark.parametrize('round_', range(5))
def test_a_write_is_answered_or_not_carried_out_when_the_end_comes(server, archive, round_):
    # Connections that stay open bring new requests until the very end.
    n = 24
    stories = [server.request('POST', '/projects/99/stories', body={'name': '0'}).json()['id']
               for _ in range(n)]
    answered = ['0'] * n
    odd = []

    def write(i):
        connection = server.connect()
        with contextlib.suppress(OSError, http.client.HTTPException):
            for k in range(1, 100_000):
                answer = server.request('PUT', f'/stories/{stories[i]}', body={'name': str(k)},
                                        connection=connection)
                if answer.status == 200:
                    answered[i] = str(k)
                elif (answer.status, answer.json()['code']) != (503, 'server_is_ending'):
                    odd.append(answer.body)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    time.sleep(0.4 + round_ / 10)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0, server.errors
    for t in threads:
        t.join(DEADLINE)
    assert not odd and answered != ['0'] * n
    db = sqlite3.connect(archive)
    assert answered == [db.execute('SELECT name FROM story WHERE id = ?', (i,)).fetchone()[0]
                        for i in stories]


def test_what_comes_after_the_grace_is_not_carried_out(server, archive):
    # A write that waits for longer than the server does, and one that comes after that.
    lock = sqlite3.connect(archive, isolation_level=None)
    lock.execute('BEGIN IMMEDIATE')
    connection = server.connect()
    assert server.request('GET', '/me', connection=connection).status == 200

    def wait_in_vain():
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.request('PUT', '/stories/555', body={'name': 'too slow'})

    put = threading.Thread(target=wait_in_vain)
    put.start()
    time.sleep(0.5)
    server.signal(signal.SIGTERM)
    time.sleep(11)
    assert server.process.poll() is None
    # Nobody gets in any more: who comes is sent away before a word is read.
    with contextlib.suppress(ConnectionResetError):
        assert socket.create_connection((server.host, server.port),
                                        timeout=DEADLINE).recv(1) == b''
    answer = server.request('PUT', '/stories/556', body={'name': 'too late'}, connection=connection)
    assert (answer.status, answer.json()['code']) == (503, 'server_is_ending')
    assert answer.headers['Connection'].lower() == 'close'
    lock.execute('ROLLBACK')
    lock.close()
    put.join(DEADLINE)
    assert server.wait() == 0, server.errors
    socket.create_server((server.host, server.port)).close()
    name, = sqlite3.connect(archive).execute('SELECT name FROM story WHERE id = 556').fetchone()
    assert name == 'All exhaust ports need a lid'


def test_the_log_says_what_was_asked(server):
    server.request('GET', '/projects/99/stories?limit=1')
    server.request('PUT', '/projects/99/stories/555', body={'name': 'Grüße'})
    server.request('GET', '/projects/77')
    first, second, third = server.log()
    assert first['method'] == 'GET'
    assert first['path'] == V5 + '/projects/99/stories?limit=1'
    assert first['status'] == 200 and first['request'] is None
    assert first['ms'] >= 0 and first['time'].endswith('Z')
    assert json.loads(second['request']) == {'name': 'Grüße'}
    assert third['status'] in (403, 404)


def test_the_log_never_shows_a_token(server):
    server.request('GET', f'/me?token={server.token}&fields=name', token=False)
    server.request('GET', '/me?token=not-even-a-token', token=False)
    server.request('PUT', '/projects/99/stories/555', body={'description': server.token})
    text = server.log_path.read_text()
    assert server.token not in text and 'not-even-a-token' not in text
    assert 'X-TrackerToken' not in text
    assert server.log()[0]['path'] == V5 + '/me?token=***&fields=name'
    assert server.log()[2]['request'] == json.dumps({'description': '*' * 32})
    assert os.stat(server.log_path).st_mode & 0o77 == 0


def test_the_log_can_be_standard_output(archive, serve):
    server = serve(archive, '--request-log', '-', log=None)
    server.request('GET', '/me')
    assert json.loads(server.process.stdout.readline())['path'] == V5 + '/me'


def test_ipv6_is_served(archive, serve):
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip('there is no IPv6 loopback here')
    server = serve(archive, listen='[::1]:0')
    assert server.url.startswith('http://[::1]:')
    assert server.request('GET', '/me').status == 200
    assert server.stop() == 0
    assert server.errors == ''


def test_whoever_listens_to_the_world_is_warned(archive, serve):
    server = serve(archive, listen='0.0.0.0:0')
    assert server.stop() == 0
    assert 'can read tokens and stories' in server.errors


@pytest.mark.parametrize('listen, reason', [
    ('nonsense', "'nonsense' is no address to listen at"),
    ('127.0.0.1:99999', 'is no address to listen at'),
    ('192.0.2.1:0', 'cannot listen at 192.0.2.1:0: Cannot assign requested address'),
])
def test_an_address_that_does_not_work_is_explained(archive, listen, reason):
    done = storyfs('serve', archive, '--listen', listen)
    assert done.returncode == 1
    assert done.stderr.startswith('storyfs: ') and reason in done.stderr


def test_a_port_in_use_is_explained(server, archive):
    done = storyfs('serve', archive, '--listen', f'127.0.0.1:{server.port}')
    assert done.returncode == 1
    assert 'Address already in use' in done.stderr


def test_what_is_no_archive_is_not_served(tmp_path):
    text = tmp_path / 'a.txt'
    text.write_text('no database at all, but long enough to be looked at' * 20)
    for path in (tmp_path / 'none.db', text, tmp_path):
        done = storyfs('serve', path)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(f'storyfs: {path}: ')
    assert not (tmp_path / 'none.db').exists()


def test_a_log_that_cannot_be_written_stops_it(archive):
    done = storyfs('serve', archive, '--listen', '127.0.0.1:0', '--request-log', '/nonexistent/log')
    assert done.returncode == 1
    assert done.stderr == ('storyfs: cannot open the request log /nonexistent/log: '
                           'No such file or directory\n')


def test_many_clients_at_once_are_served(server):
    errors = []

    def client():
        c = http.client.HTTPConnection(server.host, server.port, timeout=DEADLINE)
        for _ in range(20):
            if server.request('GET', '/projects/99/stories', connection=c).status != 200:
                errors.append('not 200')
        c.close()

    threads = [threading.Thread(target=client) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(DEADLINE)
    assert not errors
    assert len(server.log()) == 16 * 20


def test_it_serves_in_the_foreground_of_a_shell(archive):
    # SIGINT is what ^C sends; a shell that runs it in a script must see it end well.
    process = subprocess.Popen([BIN, 'serve', str(archive), '--listen', '127.0.0.1:0'],
                               stdout=subprocess.PIPE, env=clean_env())
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
