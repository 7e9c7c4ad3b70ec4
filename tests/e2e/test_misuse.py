# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw sockets: requests that are slow, too much, cut, piled up or said in two ways. None of them stops
another client or the server, and what is well-formed gets an answer in V5's shape."""
import contextlib
import gzip
import json
import select
import socket
import struct
import threading
import time

import pytest

from conftest import DEADLINE, V5

ME = f'{V5}/me'


@contextlib.contextmanager
def others_are_served(server, least=3):
    """Another client asks all the while, from an address of its own."""
    stop = threading.Event()
    times = []
    errors = []

    def ask():
        while not stop.is_set() or len(times) < least:
            began = time.monotonic()
            try:
                if server.request('GET', '/me').status != 200:
                    errors.append('not 200')
            except OSError as e:
                errors.append(e)
                return
            times.append(time.monotonic() - began)
            time.sleep(0.02)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE)
    assert not errors, errors[:3]
    assert len(times) >= least


def connect(server, source='127.0.0.2'):
    return socket.create_connection((server.host, server.port), DEADLINE, (source, 0))


def read_all(s, deadline=DEADLINE):
    s.settimeout(deadline)
    got = b''
    with contextlib.suppress(ConnectionError):
        while piece := s.recv(65536):
            got += piece
    return got


def split_answers(data):
    """The answers in what came back: status, header, body."""
    answers = []
    while data.startswith(b'HTTP/1.'):
        head, _, rest = data.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        headers = {k.lower(): v for k, v in (line.split(': ', 1) for line in lines[1:])}
        length = int(headers.get('content-length', 0))
        answers.append((int(lines[0].split()[1]), headers, rest[:length]))
        data = rest[length:]
    return answers


def ask(server, *lines, body=b'', close=True):
    """One request of these lines; its answers."""
    head = '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n'
    with connect(server) as s:
        s.sendall(head + body)
        if close:
            s.shutdown(socket.SHUT_WR)
        return split_answers(read_all(s))


def code_of(answer):
    status, headers, body = answer
    error = json.loads(body)
    assert error['kind'] == 'error' and error['error']
    assert headers['content-type'] == 'application/json; charset=utf-8'
    assert headers['access-control-allow-origin'] == '*'
    return status, error['code']


# ---- framing ----

@pytest.mark.parametrize('header', [
    ('Content-Length: 2', 'Transfer-Encoding: chunked'),
    ('Transfer-Encoding: chunked', 'Content-Length: 2'),
    ('Content-Length: 2', 'Content-Length: 3'),
    ('Content-Length: 2', 'Content-Length: 2'),
    ('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    ('Transfer-Encoding: gzip, chunked',),
    ('Transfer-Encoding: xchunked',),
    ('Content-Length: 2', 'X A: b'),
], ids=str)
def test_what_can_be_read_in_two_ways_is_refused(server, header):
    with others_are_served(server):
        answers = ask(server, f'POST {V5}/projects/99/stories HTTP/1.1', 'Host: x', *header,
                      body=b'{}GET /services/v5/projects HTTP/1.1\r\nHost: x\r\n\r\n')
    assert len(answers) <= 1
    assert not answers or answers[0][0] in (400, 413, 501)
    if answers and answers[0][2].startswith(b'{'):
        assert code_of(answers[0]) == (400, 'malformed_request')
        assert answers[0][1]['connection'] == 'close'


@pytest.mark.parametrize('length', ['-1', '+2', '0x2', '2 2', '', '99999999999999999999', '2,2'])
def test_a_length_is_one_number(server, length):
    with others_are_served(server):
        answers = ask(server, f'PUT {V5}/stories/555 HTTP/1.1', 'Host: x',
                      f'Content-Length: {length}', body=b'{}')
    assert all(status in (400, 413) for status, _, _ in answers)


@pytest.mark.parametrize('body', [b'zz\r\n{}\r\n0\r\n\r\n', b'-2\r\n{}\r\n0\r\n\r\n', b'2\r\n{}xx0\r\n\r\n',
                                  b'ffffffffffffffffff\r\n{}', b'2', b'2\r\n{', b'\r\n\r\n'])
def test_bad_chunks_are_survived(server, body):
    with others_are_served(server):
        answers = ask(server, f'PUT {V5}/stories/555 HTTP/1.1', 'Host: x',
                      f'X-TrackerToken: {server.token}', 'Transfer-Encoding: chunked', body=body)
    assert not [a for a in answers if a[0] < 400]
    assert server.request('GET', '/stories/555').json()['name'] == 'Bring me the passengers'


@pytest.mark.parametrize('line', ['GET /services/v5/me', 'GET /services/v5/me HTTP/9.9',
                                  'GET /services/v5/me HTTP/0.9', 'GET', '',
                                  'GET /services/v5/me FTP/1.1', 'PRI * HTTP/2.0'])
def test_other_protocols_get_no_resource(server, line):
    with others_are_served(server):
        answers = ask(server, line, f'X-TrackerToken: {server.token}')
    assert all(status >= 400 for status, _, _ in answers)


@pytest.mark.parametrize('header', ['X-A: b\0c', 'X-A\0b: c', '\0', 'Content-Length: 2\0'])
def test_nul_bytes_are_survived(server, header):
    with others_are_served(server):
        answers = ask(server, f'PUT {V5}/stories/555 HTTP/1.1', 'Host: x', header, body=b'{}')
    assert not [a for a in answers if a[0] < 400]


def test_a_target_may_name_the_host(server):
    for target in (f'http://{server.host}:{server.port}{ME}?fields=name', f'HTTPS://other{ME}'):
        answer, = ask(server, f'GET {target} HTTP/1.1', 'Host: x', f'X-TrackerToken: {server.token}')
        assert answer[0] == 200
        assert json.loads(answer[2])['name'] == 'Emperor Palpatine'
    answer, = ask(server, 'GET http://x HTTP/1.1', 'Host: x')
    assert answer[0] in (200, 404)


def test_folded_headers_are_read_as_one_line_or_refused(server):
    answers = ask(server, f'GET {ME} HTTP/1.1', 'Host: x', 'X-A: b', ' c',
                  f'X-TrackerToken: {server.token}')
    assert [a[0] for a in answers] in ([200], [400])


def test_expectations(server):
    go, answer = ask(server, f'PUT {V5}/stories/555 HTTP/1.1', 'Host: x', 'Expect: 100-continue',
                     f'X-TrackerToken: {server.token}', 'Content-Length: 2', body=b'{}')
    assert go[0] == 100 and answer[0] == 200
    answers = ask(server, f'PUT {V5}/stories/555 HTTP/1.1', 'Host: x', 'Expect: a-miracle',
                  f'X-TrackerToken: {server.token}', 'Content-Length: 2', body=b'{}')
    assert answers[-1][0] in (200, 417)


# ---- much ----

def test_a_header_that_is_too_large_is_said_so(server):
    with others_are_served(server):
        for lines in (['X-A: ' + 'a' * 100_000], [f'X-{i}: {"a" * 100}' for i in range(1000)]):
            answer, = ask(server, f'GET {ME} HTTP/1.1', 'Host: x', *lines)
            assert code_of(answer) == (431, 'header_too_large')
        answer, = ask(server, f'GET {ME}?fields={"a" * 100_000} HTTP/1.1', 'Host: x')
        assert code_of(answer) == (431, 'header_too_large')
        ask(server, f'GET {ME} HTTP/1.1', 'Host: x', 'X-A: ' + 'a' * 3_000_000)


def test_bounds_are_options(archive, serve):
    server = serve(archive, '--max-body', '2000', '--max-header', '3000')
    assert server.request('PUT', '/stories/555', body={'name': 'a' * 1900}).status == 200
    answer = server.request('PUT', '/stories/555', body={'name': 'a' * 2100})
    assert (answer.status, answer.json()['code']) == (413, 'request_too_large')
    assert '2000 bytes' in answer.json()['general_problem']
    answer = server.request('GET', '/me', headers={'X-A': 'a' * 4000})
    assert (answer.status, answer.json()['code']) == (431, 'header_too_large')
    assert '3000 bytes' in answer.json()['general_problem']


def test_one_address_cannot_take_all_connections(archive, serve):
    server = serve(archive, '--max-connections', '40')
    held = []
    with others_are_served(server, least=10):
        for _ in range(60):
            with contextlib.suppress(OSError):
                held.append(connect(server))
                held[-1].sendall(b'GET /services/v5/me HTTP/1.1\r\nHost:')
        time.sleep(0.5)
    for s in held:
        s.close()


def test_so_many_from_one_address_as_the_option_says(archive, serve):
    server = serve(archive, '--max-per-address', '3')
    kept = []
    for _ in range(3):
        kept.append(server.connect())
        assert server.request('GET', '/me', connection=kept[-1]).status == 200
    with pytest.raises(OSError):
        server.request('GET', '/me')
    with connect(server) as s:
        s.sendall(f'GET {ME} HTTP/1.1\r\nHost: x\r\nX-TrackerToken: {server.token}\r\n\r\n'.encode())
        assert s.recv(12) == b'HTTP/1.1 200'
    kept.pop().close()
    until = time.monotonic() + DEADLINE
    while True:
        with contextlib.suppress(OSError):
            if server.request('GET', '/me').status == 200:
                break
        assert time.monotonic() < until


def test_requests_piled_up_are_answered_in_order(server):
    n = 200
    asked = b''.join(
        f'GET {V5}/stories/{(555, 556, 1)[i % 3]}?fields=id HTTP/1.1\r\nHost: x\r\n'
        f'X-TrackerToken: {server.token}\r\n\r\n'.encode() for i in range(n))
    with others_are_served(server), connect(server) as s:
        threading.Thread(target=s.sendall, args=(asked,)).start()
        got = b''
        s.settimeout(DEADLINE)
        while got.count(b'HTTP/1.1 ') < n or not got.endswith(b'}'):
            got += s.recv(65536)
    answers = split_answers(got)
    assert [a[0] for a in answers] == [(200, 200, 404)[i % 3] for i in range(n)]
    assert [json.loads(a[2]).get('id') for a in answers[:3]] == [555, 556, None]


# ---- slow ----

def drip(s, data, stop):
    with contextlib.suppress(OSError):
        for byte in data:
            s.sendall(bytes([byte]))
            if stop.wait(0.1):
                return


@pytest.mark.parametrize('head, code', [
    (b'', True),
    (f'PUT {V5}/stories/555 HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n'.encode(), True),
], ids=['header', 'body'])
def test_who_drips_is_told_and_cut(archive, serve, head, code):
    server = serve(archive, '--idle-timeout', '2', '--request-timeout', '2')
    stop = threading.Event()
    with others_are_served(server), connect(server) as s:
        s.sendall(head)
        thread = threading.Thread(target=drip, args=(s, b'GET /' + b'x' * 500, stop))
        thread.start()
        got = read_all(s)
        stop.set()
        thread.join(DEADLINE)
    answer, = split_answers(got)
    assert code_of(answer) == (408, 'request_timeout')


def test_who_says_nothing_is_cut_without_a_word(archive, serve):
    server = serve(archive, '--idle-timeout', '1')
    with connect(server) as s:
        assert read_all(s) == b''
    c = server.connect()
    server.request('GET', '/me', connection=c)
    assert read_all(c.sock) == b''


def test_who_does_not_take_the_answer_is_cut(archive, serve):
    server = serve(archive, '--request-timeout', '2')
    for i in range(20):
        server.request('POST', '/projects/99/stories', body={'name': 'x', 'description': 'y' * 20000})
    with others_are_served(server), socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.bind(('127.0.0.2', 0))
        s.settimeout(DEADLINE)
        s.connect((server.host, server.port))
        s.sendall(f'GET {V5}/projects/99/stories HTTP/1.1\r\nHost: x\r\n'
                  f'X-TrackerToken: {server.token}\r\n\r\n'.encode() * 40)
        time.sleep(5)  # more than the option's two seconds
        got = len(read_all(s))
    assert 0 < got < 40 * 400_000


@pytest.mark.parametrize('sent', [b'', b'GET /serv', f'GET {ME} HTTP/1.1\r\nHost: x\r\n'.encode(),
                                  f'PUT {V5}/stories/555 HTTP/1.1\r\nHost: x\r\n'
                                  'Content-Length: 50\r\n\r\n{"na'.encode()],
                         ids=['nothing', 'line', 'header', 'body'])
def test_a_closed_side_is_noticed_long_before_the_timeout(server, sent):
    with others_are_served(server), connect(server) as s:
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)
        # The timeouts are 60 s and more; reading would fail.
        read_all(s, deadline=20)


def test_who_closes_its_side_after_asking_is_answered(server):
    answer, = ask(server, f'GET {ME} HTTP/1.1', 'Host: x', f'X-TrackerToken: {server.token}')
    assert answer[0] == 200


def test_many_half_open_connections_stop_nobody(server):
    held = []
    with others_are_served(server, least=20):
        for i in range(200):
            s = connect(server, f'127.0.0.{2 + i % 50}')
            s.sendall((b'', b'GET ', f'GET {ME} HTTP/1.1\r\nHost: x\r\nX-A: '.encode(),
                       f'PUT {V5}/stories/555 HTTP/1.1\r\nContent-Length: 9\r\n\r\n{{'.encode())[i % 4])
            held.append(s)
        time.sleep(1)
    for s in held:
        s.close()
    assert server.request('GET', '/me').status == 200


# ---- piled up, cut off, written to ----

def request_of(server, method, path, body=None, *headers):
    lines = [f'{method} {path} HTTP/1.1', 'Host: x', f'X-TrackerToken: {server.token}', *headers]
    if body is not None:
        lines += ['Content-Type: application/json', f'Content-Length: {len(body)}']
    return ('\r\n'.join(lines) + '\r\n\r\n').encode() + (body or b'')


def name_of(server, story=555):
    return server.request('GET', f'/stories/{story}').json()['name']


def answers_to(server, data, n):
    """The first n answers to these bytes on one connection, and whether it is still open after them."""
    with connect(server) as s:
        s.sendall(data)
        got = b''
        s.settimeout(DEADLINE)
        while len(split_answers(got)) < n and (piece := s.recv(65536)):
            got += piece
        s.settimeout(1)
        try:
            more = s.recv(65536)
        except TimeoutError:
            return split_answers(got), True
        assert more == b'', more
        return split_answers(got), False


def test_writes_piled_up_are_done_in_order(server):
    n = 100
    asked = b''.join(request_of(server, 'PUT', f'{V5}/stories/555', f'{{"name":"name {i}"}}'.encode()) +
                     request_of(server, 'GET', f'{V5}/stories/555?fields=name') for i in range(n))
    with others_are_served(server), connect(server) as s:
        threading.Thread(target=s.sendall, args=(asked,)).start()
        got = b''
        s.settimeout(DEADLINE)
        while got.count(b'HTTP/1.1 ') < 2 * n or not got.endswith(b'}'):
            got += s.recv(65536)
    answers = split_answers(got)
    assert [json.loads(a[2])['name'] for a in answers] == [f'name {i // 2}' for i in range(2 * n)]


def test_nothing_behind_a_refusal_is_carried_out(server):
    before = name_of(server)
    put = request_of(server, 'PUT', f'{V5}/stories/555', b'{"name":"smuggled"}')
    big = request_of(server, 'GET', ME, None, 'X-A: ' + 'a' * 70_000)
    twice = f'POST {V5}/projects/99/stories HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n'.encode()
    huge = f'PUT {V5}/stories/555 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n'.encode()
    for first, status in ((big, 431), (twice, 400), (huge, 413)):
        with others_are_served(server):
            answers, is_open = answers_to(server, first + put, 1)
        assert [a[0] for a in answers] in ([status], []) and not is_open
    last = request_of(server, 'GET', ME, None, 'Connection: close')
    answers, is_open = answers_to(server, last + put, 1)
    assert [a[0] for a in answers] == [200] and not is_open
    assert name_of(server) == before


def test_answers_without_a_body_leave_the_connection_in_step(server):
    etag = server.request('GET', '/stories/555').headers['ETag']
    asked = [request_of(server, 'HEAD', f'{V5}/stories/555'), request_of(server, 'OPTIONS', f'{V5}/stories/555'),
             request_of(server, 'GET', f'{V5}/stories/555', None, f'If-None-Match: {etag}'),
             request_of(server, 'HEAD', f'{V5}/nowhere'), request_of(server, 'OPTIONS', '*'),
             request_of(server, 'GET', ME, b'{}'), request_of(server, 'GET', f'{ME}?fields=name')]
    with connect(server) as s:
        f = s.makefile('rb')
        statuses = []
        for request in asked:
            s.sendall(request)
            statuses.append(int(f.readline().split()[1]))
            head = {}
            while (line := f.readline()) != b'\r\n':
                name, value = line.decode().rstrip('\r\n').split(': ', 1)
                head[name.lower()] = value
            bodiless = request.startswith(b'HEAD') or statuses[-1] in (204, 304)
            assert statuses[-1] != 204 or 'content-length' not in head
            # If one of these had a body, the next line would be no status line.
            body = b'' if bodiless else f.read(int(head['content-length']))
    assert statuses == [200, 204, 304, 404, 204, 200, 200]
    assert json.loads(body)['name'] == 'Emperor Palpatine'


@pytest.mark.parametrize('chunks, name', [
    (b'13\r\n{"name":"in chunks"}\r\n0\r\n\r\n', None),
    (b'14\r\n{"name":"one chunk"}\r\n0\r\n\r\n', 'one chunk'),
    (b'14;a=b\r\n{"name":"with more"}\r\n0;c\r\nX-Trailer: d\r\n\r\n', 'with more'),
    (b'1\r\n{\r\n0000000000000013\r\n"name":"in chunks"}\r\n0\r\n\r\n', 'in chunks'),
    (b'14\r\n{"name":"in chunks"}\r\n', None), (b'14\r\n{"name":"in chunks"}', None), (b'14\r\n{"name":', None),
], ids=range(7))
def test_chunks_are_carried_out_when_they_are_whole(server, chunks, name):
    before = name_of(server)
    # Who sends no more before libmicrohttpd has read the last chunk may get no answer.
    with others_are_served(server):
        answers = ask(server, f'PUT {V5}/stories/555 HTTP/1.1', 'Host: x', f'X-TrackerToken: {server.token}',
                      'Content-Type: application/json', 'Transfer-Encoding: chunked', 'Connection: close',
                      body=chunks, close=name is None)
    assert name_of(server) == (name or before)
    assert [a[0] for a in answers if a[0] < 400] == ([200] if name else [])


@pytest.mark.parametrize('cut', [1, 10, -1])
def test_a_body_cut_short_is_not_carried_out(server, cut):
    whole = request_of(server, 'PUT', f'{V5}/stories/555', b'{"name":"whole"}        ')
    before = name_of(server)
    with others_are_served(server), connect(server) as s:
        s.sendall(whole[:-cut if cut > 0 else -8])
        s.shutdown(socket.SHUT_WR)
        assert not [a for a in split_answers(read_all(s)) if a[0] < 400]
    assert name_of(server) == before


def test_who_resets_while_its_write_runs_hurts_nobody(server):
    linger = struct.pack('ii', 1, 0)
    with others_are_served(server, least=20):
        for i in range(100):
            with connect(server) as s:
                s.sendall(request_of(server, 'PUT', f'{V5}/stories/555', f'{{"name":"reset {i}"}}'.encode()))
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert server.request('PUT', '/stories/555', body={'name': 'alive'}).json()['name'] == 'alive'


def test_who_piles_up_writes_and_reads_nothing_stops_nobody(server):
    body = b'{"name":"' + b'x' * 4000 + b'"}'
    with others_are_served(server, least=20), connect(server) as s:
        s.settimeout(2)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 20_000:
                s.sendall(request_of(server, 'PUT', f'{V5}/stories/555?fields=name', body))
                sent += 1
        # Its own answers stop it: what it asks for is not kept for it.
        assert sent < 20_000


HOSTILE = f'GET {V5}/projects/99/%73earch?query=%2F(a%2B)%2B%24%2F'


@pytest.mark.parametrize('header', ['X-A: b', 'Authorization: Basic eDp5'])
def test_searches_that_take_long_stop_nobody(server, header):
    """Few run at a time, each to its budget: who reads or writes meanwhile is answered long before all have ended."""
    for story in (555, 556):  # each run of letters costs much, and none more than PCRE2 is allowed from one place
        assert server.request('PUT', f'/stories/{story}', {'description': ('a' * 16 + ' ') * 1170}).status == 200
    head = f'{HOSTILE} HTTP/1.1\r\nHost: x\r\nX-TrackerToken: {server.token}\r\n{header}\r\n\r\n'
    held = []
    for i in range(24):
        held.append(connect(server, f'127.0.0.{2 + i}'))
        held[-1].sendall(head.encode())
        time.sleep(0.05 if i < 8 else 0)  # so that what is busy with one leaves the next to another
    for i in range(3):
        assert server.request('GET', '/me').status == 200
        assert server.request('PUT', '/stories/556', {'name': f'n{i}'}).status == 200
    answered, _, _ = select.select(held, [], [], 0)
    assert len(answered) < 8
    answered, _, _ = select.select(held, [], [], DEADLINE)
    # It ended within its budget, or the budget ended it, and says so.
    got = answered[0].recv(65536)
    assert got.startswith(b'HTTP/1.1 200 ') or (got.startswith(b'HTTP/1.1 400 ') and b'tries too much' in got)
    for s in held:
        s.close()
    # Those that did not begin do not hold up the end.
    assert server.stop() == 0


def test_bombs_stop_nobody(server):
    bomb = gzip.compress(b' ' * (64 << 20), 9)
    asked = request_of(server, 'PUT', f'{V5}/stories/555', bomb, 'Content-Encoding: gzip')
    statuses = []

    def throw():
        with connect(server, '127.0.0.3') as s:
            s.sendall(asked)
            s.shutdown(socket.SHUT_WR)
            statuses.extend(a[0] for a in split_answers(read_all(s)))

    threads = [threading.Thread(target=throw) for _ in range(16)]
    with others_are_served(server, least=5):
        for t in threads:
            t.start()
        for t in threads:
            t.join(DEADLINE)
    assert statuses == [413] * 16


def test_who_drips_chunks_is_told_and_cut(archive, serve):
    server = serve(archive, '--idle-timeout', '2', '--request-timeout', '2')
    stop = threading.Event()
    with others_are_served(server), connect(server) as s:
        s.sendall(f'PUT {V5}/stories/555 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'.encode())
        thread = threading.Thread(target=drip, args=(s, b'1\r\n \r\n' * 200, stop))
        thread.start()
        got = read_all(s)
        stop.set()
        thread.join(DEADLINE)
    answer, = split_answers(got)
    assert code_of(answer) == (408, 'request_timeout')


def test_who_takes_a_file_slowly_stops_nobody(archive, serve):
    server = serve(archive, '--request-timeout', '3')
    data = b'y' * (8 << 20)
    upload = server.request('POST', '/projects/99/uploads', headers={'Content-Type': 'multipart/form-data; boundary=z'},
                            body=b'--z\r\nContent-Disposition: form-data; name="file"; filename="y"\r\n\r\n' + data +
                            b'\r\n--z--\r\n').json()
    server.request('POST', '/projects/99/stories/555/comments', {'file_attachment_ids': [upload['id']]})
    path = f'/file_attachments/{upload["id"]}/download'
    assert server.request('GET', path).body == data
    with others_are_served(server, least=20), socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.bind(('127.0.0.2', 0))
        s.settimeout(DEADLINE)
        s.connect((server.host, server.port))
        s.sendall(request_of(server, 'GET', V5 + path))
        got = 0
        with contextlib.suppress(ConnectionError):
            while piece := s.recv(1024):
                got += len(piece)
                time.sleep(0.01)
    assert 0 < got < len(data)
