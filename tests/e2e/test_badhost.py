# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount whose host goes bad, in every way, and comes back: what is known is shown, what is not known
fails in time, no save is lost or made twice, and all is well a refresh after it heals."""
import errno
import os
import subprocess
import time

import pytest

import conftest
from badhost import BadHost
from mounted import Mounts, can_mount
from mounts import wait_until

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
STORY = 'projects/99/stories/555'
REFRESH_S, TIMEOUT_S = 1, 2
PATIENCE_S = 30  # of whoever asks: many times what a request may take, and no more than a test has

# way -> errnos of what is asked for and not known, errnos of a save; 0: it may go well.
WAYS = {
    'gone': ({errno.ECONNREFUSED, errno.EHOSTUNREACH}, {errno.ECONNREFUSED, errno.EHOSTUNREACH}),
    'hang': ({errno.ETIMEDOUT, errno.EHOSTUNREACH}, {errno.ETIMEDOUT}),
    'deaf': ({errno.ETIMEDOUT, errno.EHOSTUNREACH}, {errno.ETIMEDOUT}),
    'drip': ({0, errno.ETIMEDOUT, errno.EHOSTUNREACH}, {errno.ETIMEDOUT}),  # an empty list is short
    'cut': ({errno.ECONNRESET, errno.EHOSTUNREACH, errno.EPROTO},
            {errno.ECONNRESET, errno.EPROTO}),
    'html': ({errno.EHOSTDOWN}, {errno.EHOSTDOWN}),
    'busy': ({errno.EBUSY}, {errno.EBUSY}),
    'nonsense': ({errno.EPROTO}, {errno.EPROTO}),
    'short': ({0}, {0}),
    'back': ({0}, {0}),
}


@pytest.fixture(scope='module')
def world(tmp_path_factory, star_archive):
    """One server, one bad host before it, one mount through that: it lives through all ways."""
    tmp = tmp_path_factory.mktemp('bad')
    archive = tmp / 'a.db'
    archive.write_bytes(star_archive.read_bytes())
    token = conftest.storyfs('user', 'token', archive).stdout.strip()
    server = conftest.Server(archive, log=tmp / 'requests.log')
    server.token = token
    host = BadHost(server)
    mounts = Mounts(tmp)
    try:
        m = mounts(host.url, '--refresh', str(REFRESH_S), '--timeout', str(TIMEOUT_S), token=token)
        yield server, host, m
    finally:
        host.end()
        mounts.finish()
        assert server.stop() == 0


def ask(code, *args):
    """In a process of its own, which may be held up: the errno, or 0."""
    done = subprocess.run(
        ['/usr/bin/python3', '-c',
         'import sys, os\n'
         'try:\n'
         f'  {code}\n'
         'except OSError as e: sys.exit(e.errno)\n', *map(str, args)],
        timeout=PATIENCE_S, check=False)
    return done.returncode


def save(path, text):
    return ask('f = open(sys.argv[1], "w"); f.write(sys.argv[2]); f.close()', path, text)


def story(server):
    return server.request('GET', f'/{STORY}').json()


def times_written(server, name):
    items = server.request('GET', f'/{STORY}/activity?limit=500').json()
    return sum(change.get('new_values', {}).get('name') == name
               for item in items for change in item['changes'])


@pytest.mark.parametrize('way', WAYS)
def test_a_bad_host(world, way):
    server, host, m = world
    ask_errnos, save_errnos = WAYS[way]
    known = (m / STORY / 'name').read_text()
    listing = sorted(os.listdir(m / 'projects/99/stories'))
    assert {'555', '556'} <= set(listing)
    host.be(way)
    try:
        # Time enough for a look that meets it.
        assert wait_until(lambda: host.asked or way == 'gone')
        assert (m / STORY / 'name').read_text() == known
        assert sorted(os.listdir(m / 'projects/99/stories')) == listing
        if save_errnos != {0}:
            assert wait_until(lambda: 'failing_since: 2' in (m / '.storyfs/status').read_text())
        # A query that nobody asked for before.
        result = ask('os.listdir(sys.argv[1])', m / f'projects/99/search/name:{way}')
        assert result in ask_errnos, errno.errorcode.get(result, result)
        name = f'saved while {way}'
        result = save(m / STORY / 'name', name)
        assert result in save_errnos, errno.errorcode.get(result, result)
        if result:
            said = (m / STORY / '.error').read_text()
            assert 'name' in said, said
    finally:
        host.be('well')
    written = times_written(server, name)
    assert written == 1 if result == 0 else written <= 1
    # Healed: what others write is seen, and what was meant to be saved can be.
    answer = server.request('PUT', f'/{STORY}', {'description': f'after {way}'})
    assert answer.status == 200
    assert wait_until(lambda: (m / STORY / 'description').read_text() == f'after {way}\n')
    assert wait_until(lambda: 'failing' not in (m / '.storyfs/status').read_text())
    assert sorted(os.listdir(m / 'projects/99/stories')) == listing
    assert wait_until(lambda: (m / STORY / 'name').read_text() == story(server)['name'] + '\n')
    assert save(m / STORY / 'name', name) == 0
    assert story(server)['name'] == name
    assert times_written(server, name) == 1
    assert wait_until(lambda: ask('os.listdir(sys.argv[1])',
                                  m / f'projects/99/search/name:{way}') == 0)


def test_a_host_that_is_away_costs_no_wait_each_time(world):
    server, host, m = world
    host.be('hang')
    try:
        began = len(host.asked)
        errnos = [ask('os.listdir(sys.argv[1])', m / f'projects/99/search/name:away{i}')
                  for i in range(12)]
        assert set(errnos) <= {errno.ETIMEDOUT, errno.EHOSTUNREACH}
        assert errnos.count(errno.EHOSTUNREACH) >= 6, errnos
        assert (m / STORY / 'name').read_text()
        assert len(host.asked) - began < 12 + 3
    finally:
        host.be('well')
    assert wait_until(lambda: ask('os.listdir(sys.argv[1])',
                                  m / 'projects/99/search/name:away') == 0)


def test_the_server_is_killed_and_comes_back(world):
    server, host, m = world
    host.be('gone')
    assert save(m / STORY / 'name', 'nobody there') in (errno.ECONNREFUSED, errno.EHOSTUNREACH)
    end = time.monotonic() + 3 * REFRESH_S
    while time.monotonic() < end:
        assert (m / STORY / 'name').read_text()
        time.sleep(0.1)
    host.be('well')
    assert server.request('PUT', f'/{STORY}', {'description': 'back'}).status == 200
    assert wait_until(lambda: (m / STORY / 'description').read_text() == 'back\n')
