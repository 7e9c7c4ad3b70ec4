# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose name resolves no more, and then to another address. test_outages.py runs this in namespaces of its own,
where /etc/hosts is ours; it ends with 0 when all was as it should be."""
import errno
import pathlib
import subprocess
import sys
import tempfile

import conftest
from mounted import Mounts
from mounts import wait_until
from test_badhost import REFRESH_S, STORY, TIMEOUT_S, ask, save, story, times_written

NAME = 'tracker.example.org'
HERE, THERE = '127.0.0.2', '127.0.0.3'


def run(*args):
    subprocess.run(args, check=True, timeout=60)


def serve(archive, address, token):
    server = conftest.Server(archive, listen=f'{address}:{token["port"]}')
    server.token, token['port'] = token['text'], server.port
    return server


def main():
    base = pathlib.Path(tempfile.mkdtemp())
    hosts = base / 'hosts'
    hosts.write_text(f'{HERE} {NAME}\n')
    run('ip', 'link', 'set', 'lo', 'up')
    run('mount', '--bind', str(hosts), '/etc/hosts')
    done = conftest.storyfs('import', conftest.write_dump(base / 'dump', conftest.STAR), base / 'a.db',
                            '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    token = {'text': conftest.storyfs('user', 'token', base / 'a.db').stdout.strip(), 'port': 0}
    server = serve(base / 'a.db', HERE, token)
    mounts = Mounts(base)
    m = mounts(f'http://{NAME}:{server.port}/services/v5', '--refresh', REFRESH_S, '--timeout', TIMEOUT_S,
               token=server.token)
    try:
        status = m / '.storyfs/status'
        known = (m / STORY / 'name').read_text()
        # In place: it is this file that is mounted.
        hosts.write_text('')
        assert server.stop() == 0
        assert wait_until(lambda: 'failing_since: 2' in status.read_text())
        assert wait_until(lambda: 'cannot be found' in status.read_text()), status.read_text()
        assert (m / STORY / 'name').read_text() == known
        assert ask('os.listdir(sys.argv[1])', m / 'projects/99/search/name:lost') == errno.EHOSTUNREACH
        assert save(m / STORY / 'name', 'lost') == errno.EHOSTUNREACH
        server = serve(base / 'a.db', THERE, token)
        hosts.write_text(f'{THERE} {NAME}\n')
        assert server.request('PUT', f'/{STORY}', {'description': 'found'}).status == 200
        assert wait_until(lambda: (m / STORY / 'description').read_text() == 'found\n'), status.read_text()
        assert save(m / STORY / 'name', 'lost') == 0
        assert story(server)['name'] == 'lost' and times_written(server, 'lost') == 1
    finally:
        mounts.finish()
        assert server.stop() == 0


if __name__ == '__main__':
    sys.exit(main())
