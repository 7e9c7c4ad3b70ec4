# SPDX-License-Identifier: GPL-2.0-or-later
"""Large files on their way in: how large, how many at once, and what they cost."""
import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import socket
import sqlite3
import struct
import subprocess
import time

import pytest

from conftest import DEADLINE, V5

HEAD = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
TAIL = b'\r\n--B--\r\n'
FORM = {'Content-Type': 'multipart/form-data; boundary=B'}
ROOM = 64 << 10  # what may be around a file


def upload(server, data, **headers):
    return server.request('POST', '/projects/99/uploads', HEAD + data + TAIL, {**FORM, **headers})


def download(server, file, method='GET', status=200, **headers):
    connection = server.connect()
    connection.request(method, file['download_url'],
                       headers={'X-TrackerToken': server.token, **headers})
    response = connection.getresponse()
    assert response.status == status
    return response


def begin(server, length, *parts, target='/projects/99/uploads'):
    """A request whose head says how long its body is, and has some of it."""
    s = socket.create_connection((server.host, server.port), timeout=DEADLINE)
    s.sendall(f'POST {V5}{target} HTTP/1.1\r\nHost: x\r\nX-TrackerToken: {server.token}\r\n'
              f'Content-Type: {FORM["Content-Type"]}\r\n{length}\r\n\r\n'.encode())
    for part in parts:
        s.sendall(part)
    return s


def answer(s):
    """Status, header fields and body of what is answered to it."""
    with contextlib.closing(s), s.makefile('rb') as f:
        status = int(f.readline().split()[1])
        headers = {}
        while line := f.readline().strip():
            name, _, value = line.decode().partition(': ')
            headers[name.lower()] = value
        return status, headers, json.loads(f.read(int(headers['content-length'])))


def spools(server):
    """The sizes of the files without a name that the server has open."""
    sizes = []
    for fd in pathlib.Path(f'/proc/{server.process.pid}/fd').iterdir():
        with contextlib.suppress(FileNotFoundError):
            if str(server.spool) in os.readlink(fd):
                sizes.append(fd.stat().st_size)
    return sizes


def wait_until(condition):
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, 'it did not come'
        time.sleep(0.01)


@pytest.fixture
def spooling(archive, serve, tmp_path):
    """Starts a server whose files on their way lie where the test can look."""
    def start(*args, spool=tmp_path / 'spool', **env):
        spool.mkdir(exist_ok=True)
        server = serve(archive, *map(str, args), env={'TMPDIR': str(spool), **env})
        server.spool = spool
        return server
    return start


# ---- how large ----

def test_a_file_may_be_as_large_as_is_said(spooling):
    server = spooling('--max-upload', 1000000, '--max-body', 2000)
    sent = os.urandom(1000000)
    file = upload(server, sent).json()
    assert file['size'] == len(sent)
    assert download(server, file).read() == sent
    part = download(server, file, status=206, Range='bytes=5-9')
    assert part.read() == sent[5:10]
    whole = download(server, file, 'HEAD', Range='bytes=5-9')
    assert (whole.read(), int(whole.headers['Content-Length'])) == (b'', len(sent))
    assert spools(server) == [] and list(server.spool.iterdir()) == []


def test_what_is_too_large_is_refused_before_it_is_read(spooling):
    server = spooling('--max-upload', 1000000)
    status, headers, body = answer(begin(server, f'Content-Length: {1000001 + ROOM}'))
    assert (status, headers['connection'], body['code']) == (413, 'close', 'request_too_large')
    assert '1000000 bytes' in body['general_problem']
    hundred = spooling()
    assert answer(begin(hundred, f'Content-Length: {(100 << 20) + ROOM + 1}'))[0] == 413
    with contextlib.closing(begin(hundred, f'Content-Length: {(100 << 20) + ROOM}', HEAD)) as s:
        s.settimeout(0.5)
        with pytest.raises(TimeoutError):
            s.recv(1)


def test_what_turns_out_too_large_is_refused_at_its_end(spooling):
    server = spooling('--max-upload', 100000)
    piece = b'10000\r\n' + bytes(0x10000) + b'\r\n'
    for n, status in ((1, 200), (40, 413)):
        s = begin(server, 'Transfer-Encoding: chunked', b'%x\r\n%b\r\n' % (len(HEAD), HEAD), *[piece] * n,
                  b'%x\r\n%b\r\n0\r\n\r\n' % (len(TAIL), TAIL))
        assert answer(s)[0] == status
    assert spools(server) == []


def test_only_uploads_may_be_large(spooling):
    server = spooling('--max-body', 300000, '--max-upload', 4000000)
    assert upload(server, bytes(3000000)).status == 200
    story = server.request('POST', '/projects/99/stories', HEAD + bytes(300000) + TAIL, FORM)
    assert (story.status, story.json()['code']) == (413, 'request_too_large')
    assert '300000 bytes' in story.json()['general_problem']
    not_a_form = server.request('POST', '/projects/99/uploads', json.dumps({'file': 'x' * 300000}))
    assert not_a_form.status == 413
    # Packed ones are unpacked in memory.
    for size, status in ((200000, 200), (3000000, 413)):
        packed = gzip.compress(HEAD + bytes(size) + TAIL)
        assert server.request('POST', '/projects/99/uploads', packed,
                              {**FORM, 'Content-Encoding': 'gzip'}).status == status


def test_texts_beside_a_file_are_no_files(spooling):
    server = spooling()
    text = b'--B\r\nContent-Disposition: form-data; name="comment"\r\n\r\n' + b'x' * (5 << 20) + b'\r\n'
    refused = server.request('POST', '/projects/99/uploads', text + HEAD + b'x' + TAIL, FORM)
    assert (refused.status, refused.json()['general_problem']) == \
        (400, 'the parts of the body that are no files are too large')


# ---- what it costs ----

def peak(server):
    text = pathlib.Path(f'/proc/{server.process.pid}/status').read_text(encoding='ascii')
    return int(text.split('VmHWM:')[1].split()[0]) << 10


def test_a_large_file_is_never_in_memory(spooling, tmp_path):
    size = 100 << 20
    path = tmp_path / 'large.bin'
    with path.open('wb') as f:
        for _ in range(100):
            f.write(os.urandom(1 << 20))
    # Where the address sanitizer is built in, it keeps what was freed.
    server = spooling(ASAN_OPTIONS='quarantine_size_mb=1:thread_local_quarantine_size_kb=64')
    file = upload(server, os.urandom(1 << 20)).json()
    download(server, file).read()
    before = peak(server)
    done = subprocess.run(['curl', '-sS', '-H', f'X-TrackerToken: {server.token}', '-F', f'file=@{path}',
                           f'{server.url}/projects/99/uploads'], capture_output=True, timeout=DEADLINE, check=True)
    file = json.loads(done.stdout)
    assert file['size'] == size
    digest = hashlib.sha256()
    response = download(server, file)
    while piece := response.read(1 << 20):
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(path.read_bytes()).digest()
    assert peak(server) - before < 16 << 20


# ---- how many ----

def test_files_at_once_are_bounded_together(spooling):
    server = spooling('--max-upload', 300000)
    length = len(HEAD) + 299000 + len(TAIL)
    sent = HEAD + bytes(290000)
    rest = bytes(9000) + TAIL
    # Ten of the largest size may come; the eleventh is one too many, whichever it is.
    many = [begin(server, f'Content-Length: {length}', sent) for _ in range(11)]
    wait_until(lambda: spools(server) == [len(sent)] * 10)
    assert list(server.spool.iterdir()) == []
    for s in many:
        s.sendall(rest)
    answers = [answer(s) for s in many]
    assert sorted(status for status, _, _ in answers) == [200] * 10 + [503]
    _, headers, body = next(a for a in answers if a[0] == 503)
    assert body['code'] == 'too_many_uploads' and int(headers['retry-after']) > 0
    wait_until(lambda: spools(server) == [])
    assert upload(server, bytes(299000)).status == 200


def count_commits(archive):
    """In the write-ahead log: a commit's last frame has the size of the database in its header."""
    log = pathlib.Path(f'{archive}-wal').read_bytes()
    page = struct.unpack('>I', log[8:12])[0]
    salts = log[16:24]
    frames = [log[at:at + 24] for at in range(32, len(log), 24 + page)]
    return sum(f[8:16] == salts and f[4:8] != bytes(4) for f in frames)


def test_large_files_are_stored_one_by_one(spooling, archive):
    """Writes that wait share a commit, and each waits for all; a large file is no company for a word."""
    server = spooling()
    with contextlib.closing(sqlite3.connect(archive, isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')
        before = count_commits(archive)
        many = [begin(server, f'Content-Length: {len(HEAD + TAIL) + 300000}', HEAD, bytes(300000), TAIL)
                for _ in range(3)]
        wait_until(lambda: spools(server) == [len(HEAD + TAIL) + 300000] * 3)
        other.execute('ROLLBACK')
        assert [answer(s)[0] for s in many] == [200] * 3
        assert count_commits(archive) == before + 3


def test_small_files_need_no_room(spooling):
    server = spooling('--max-upload', 300000)
    many = [begin(server, 'Content-Length: 299999', HEAD + bytes(290000)) for _ in range(11)]
    wait_until(lambda: len(spools(server)) == 10)
    assert upload(server, bytes(100000)).status == 200
    for s in many:
        s.close()
    wait_until(lambda: spools(server) == [])


def test_who_goes_away_leaves_nothing(spooling):
    server = spooling()
    s = begin(server, 'Content-Length: 50000000', HEAD + bytes(1 << 20))
    wait_until(lambda: spools(server) == [len(HEAD) + (1 << 20)])
    s.close()
    wait_until(lambda: spools(server) == [])
    assert server.request('GET', '/file_attachments/1/download').status in (403, 404)


def test_without_room_it_says_so(spooling, tmp_path):
    server = spooling(spool=tmp_path / 'gone')
    server.spool.rmdir()
    refused = upload(server, bytes(1 << 20))
    assert (refused.status, refused.json()['code']) == (507, 'no_space')
    assert upload(server, bytes(1000)).status == 200
    server.stop()
    assert 'an upload cannot be kept' in server.errors
