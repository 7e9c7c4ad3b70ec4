# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways in beside plain requests: TLS, packed answers, packed bodies."""
import contextlib
import gzip
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
import zlib

import pytest

from conftest import DEADLINE, storyfs

LONG = 'a long description ' * 200


@pytest.fixture
def long_story(server):
    assert server.request('PUT', '/stories/555', body={'description': LONG}).status == 200


@pytest.mark.parametrize('accept, encoding', [
    ('gzip', 'gzip'), ('deflate', 'deflate'), ('gzip;q=0', None), ('identity', None), ('br', None),
    ('*', 'gzip'), ('gzip;q=0.2, deflate;q=0.9', 'deflate'), ('identity, gzip;q=0.5', None),
])
def test_an_answer_is_packed_as_asked(server, long_story, accept, encoding):
    plain = server.request('GET', '/stories/555')
    packed = server.request('GET', '/stories/555', headers={'Accept-Encoding': accept})
    assert packed.headers['Content-Encoding'] == encoding
    assert packed.headers['Vary'] == plain.headers['Vary'] == 'Accept-Encoding'
    assert packed.headers['ETag'] == plain.headers['ETag']
    unpack = {'gzip': gzip.decompress, 'deflate': zlib.decompress, None: bytes}[encoding]
    assert unpack(packed.body) == plain.body
    head = server.request('HEAD', '/stories/555', headers={'Accept-Encoding': accept})
    assert head.headers['Content-Length'] == packed.headers['Content-Length']


@pytest.mark.parametrize('encoding, pack', [('gzip', gzip.compress), ('deflate', zlib.compress)])
def test_a_packed_body_is_read(server, encoding, pack):
    answer = server.request('PUT', '/stories/555', body=pack(b'{"name":"packed"}'), headers={
        'Content-Type': 'application/json', 'Content-Encoding': encoding})
    assert answer.json()['name'] == 'packed'


@pytest.mark.parametrize('encoding, body, status', [
    ('gzip', gzip.compress(b' ' * (20 << 20)), 413), ('gzip', b'no gzip', 400),
    ('gzip', gzip.compress(b'{}')[:-3], 400), ('br', b'{}', 415), ('gzip, gzip', b'{}', 415)],
    ids=['too large', 'no gzip', 'cut', 'unknown', 'twice'])
def test_a_body_that_cannot_be_unpacked_is_refused(server, encoding, body, status):
    answer = server.request('PUT', '/stories/555', body=body, headers={'Content-Encoding': encoding})
    assert answer.status == status
    assert answer.json()['kind'] == 'error'


def make_cert(folder, name):
    cert, key = folder / f'{name}.pem', folder / f'{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                    '-nodes', '-days', '2', '-subj', f'/CN={name}', '-addext',
                    'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
                   check=True, capture_output=True, timeout=DEADLINE)
    os.chmod(key, 0o600)
    return cert, key


def fetch(server, ca):
    request = urllib.request.Request(f'https://127.0.0.1:{server.port}/services/v5/me?fields=name',
                                     headers={'X-TrackerToken': server.token})
    with urllib.request.urlopen(request, timeout=DEADLINE,
                                context=ssl.create_default_context(cafile=ca)) as answer:
        return answer.status


def test_tls_by_option_and_a_new_certificate_at_sighup(archive, serve, tmp_path):
    cert, key = make_cert(tmp_path, 'first')
    server = serve(archive, '--tls-cert', cert, '--tls-key', key)
    assert server.url.startswith('https://')
    first = tmp_path / 'copy.pem'
    first.write_bytes(cert.read_bytes())
    assert fetch(server, first) == 200
    for new, old in zip(make_cert(tmp_path, 'second'), (cert, key)):
        os.replace(new, old)
    server.signal(signal.SIGHUP)
    for _ in range(100):
        try:
            assert fetch(server, cert) == 200
            break
        except OSError:
            continue
    else:
        pytest.fail('the new certificate is not used')


def test_a_certificate_that_cannot_be_is_explained(archive, tmp_path):
    cert, key = make_cert(tmp_path, 'a')
    _, other = make_cert(tmp_path, 'b')
    os.chmod(other, 0o600)
    for pair, reason in (((cert, other), 'is not the key of the certificate'),
                         ((key, key), ': '), ((tmp_path / 'none', key), 'No such file')):
        done = storyfs('serve', archive, '--listen', '127.0.0.1:0', '--tls-cert', pair[0],
                       '--tls-key', pair[1])
        assert done.returncode == 1 and reason in done.stderr
    os.chmod(key, 0o644)
    done = storyfs('serve', archive, '--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key)
    assert done.returncode == 1 and 'others may read the key' in done.stderr
    assert storyfs('serve', archive, '--tls-cert', cert).returncode == 2


def test_slow_handshakes_and_plain_http_stop_nobody(archive, serve, tmp_path):
    cert, key = make_cert(tmp_path, 'a')
    server = serve(archive, '--tls-cert', cert, '--tls-key', key, '--idle-timeout', '3')
    # A ClientHello that does not end, one that never begins, one in the clear, and one that is none.
    hello = b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
    held = []
    for i in range(60):
        s = socket.create_connection((server.host, server.port), DEADLINE, ('127.0.0.2', 0))
        s.sendall((hello, b'', b'GET /services/v5/me HTTP/1.1\r\nHost: x\r\n\r\n', b'\x16\x03\x01\xff\xff')[i % 4])
        held.append(s)
    for _ in range(5):
        assert fetch(server, cert) == 200
    for s in held:
        # None of them is answered in the clear, and all of them end.
        s.settimeout(DEADLINE)
        got = b''
        with contextlib.suppress(ConnectionError):
            while piece := s.recv(65536):
                got += piece
        assert not got.startswith(b'HTTP/')
        s.close()
    assert fetch(server, cert) == 200


def exchange(s, sent, is_all):
    """Send and receive at once, in one thread: OpenSSL's connections stand no two."""
    got, until = b'', time.monotonic() + DEADLINE
    s.setblocking(False)
    while not is_all(got):
        assert time.monotonic() < until, got[-500:]
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = sent[s.send(sent[:16384]):] if sent else sent
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            piece = s.recv(65536)
            assert piece, got[-500:]
            got += piece
            continue
        select.select([s], [s] if sent else [], [], 0.1)
    s.settimeout(DEADLINE)
    return got


def test_writes_and_pipelines_go_through_tls(archive, serve, tmp_path):
    cert, key = make_cert(tmp_path, 'a')
    server = serve(archive, '--tls-cert', cert, '--tls-key', key, '--max-body', '1000000')
    body = json.dumps({'description': 'd' * 19_000}).encode()
    put = (f'PUT /services/v5/stories/555?fields=description HTTP/1.1\r\nHost: x\r\nX-TrackerToken: {server.token}\r\n'
           f'Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n').encode() + body
    context = ssl.create_default_context(cafile=cert)
    with context.wrap_socket(socket.create_connection((server.host, server.port), DEADLINE),
                             server_hostname='127.0.0.1') as s:
        exchange(s, put * 20, lambda got: got.count(b'HTTP/1.1 200 ') == 20 and got.endswith(b'}'))
        # And the end comes while the connection is open.
        assert server.stop() == 0
        assert s.recv(1) == b''


@pytest.mark.parametrize('size', [1000, 1_000_000])
def test_a_file_may_come_packed(server, size):
    data = os.urandom(size)
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + data + b'\r\n--x--\r\n'
    headers = {'Content-Type': 'multipart/form-data; boundary=x', 'Content-Encoding': 'gzip'}
    upload = server.request('POST', '/projects/99/uploads', gzip.compress(body), headers)
    assert (upload.status, upload.json().get('size')) == (200, size), upload.body
    answer = server.request('POST', '/projects/99/uploads', gzip.compress(body), {**headers, 'Content-Encoding': 'br'})
    assert (answer.status, answer.json()['code']) == (415, 'unsupported_encoding')
