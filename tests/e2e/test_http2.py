# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that offers HTTP/2 over TLS is spoken to in it, and its certificate is looked at."""
import shutil
import socket
import subprocess

import pytest

import conftest
from mounts import wait_until

pytestmark = pytest.mark.skipif(not shutil.which('nghttpd') or not shutil.which('openssl'),
                                reason='nghttpd or openssl is not installed')


@pytest.fixture
def host(tmp_path):
    """A static V5 host; its port. What it was asked is in tmp_path/log."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                    '-keyout', tmp_path / 'key.pem', '-out', tmp_path / 'ca.pem'],
                   check=True, capture_output=True, timeout=60)
    v5 = tmp_path / 'services' / 'v5'
    v5.mkdir(parents=True)
    (v5 / 'me').write_text('{"kind":"me","id":1,"name":"Ann"}')
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    with open(tmp_path / 'log', 'w', encoding='utf-8') as log:
        process = subprocess.Popen(['nghttpd', '-v', '-a', '127.0.0.1', '-d', str(tmp_path),
                                    str(port), str(tmp_path / 'key.pem'), str(tmp_path / 'ca.pem')],
                                   stdout=log, stderr=log)

    def answers():
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', port)) == 0

    assert wait_until(answers)
    yield port
    process.terminate()
    process.wait(timeout=60)


def test_http2_is_spoken_where_it_is_offered(host, tmp_path):
    env = {**conftest.clean_env(), 'STORYFS_TOKEN': 'abc'}
    done = conftest.storyfs('cat', '--ca-file', tmp_path / 'ca.pem', f'https://localhost:{host}',
                            'me/name', env=env)
    assert (done.returncode, done.stdout) == (0, 'Ann\n'), done.stderr
    log = (tmp_path / 'log').read_text(encoding='utf-8')
    assert 'The negotiated protocol: h2' in log and 'x-trackertoken: abc' in log


def test_a_certificate_nobody_vouches_for_is_refused(host):
    done = conftest.storyfs('cat', f'https://localhost:{host}', 'me/name')
    assert done.returncode == 1 and "certificate was not accepted" in done.stderr
