# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong in the middle of a mount's life: its host's certificate, its host's name, a server or a mount that
is stopped for a while, a mount that is killed. What is known is shown, nothing hangs, no save is lost or made
twice, and all is well a refresh after it heals.
"""
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import conftest
from badhost import BadHost
from mounted import Mounts, can_mount
from mounts import is_mounted, wait_until
from test_badhost import REFRESH_S, STORY, TIMEOUT_S, ask, save, story, times_written
from tls import TlsHost

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
OUT_OF_REACH = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ECONNREFUSED}


class World:
    """A server, and mounts of it."""

    def __init__(self, tmp, archive):
        self.tmp, self.archive = tmp, tmp / 'a.db'
        shutil.copy(archive, self.archive)
        token = conftest.storyfs('user', 'token', self.archive).stdout.strip()
        self.server = conftest.Server(self.archive, log=tmp / 'requests.log')
        self.server.token = token
        self.mounts, self.hosts = Mounts(tmp), []

    def mount(self, host, *options, **more):
        self.hosts.append(host)
        return self.mounts(host.url, '--refresh', str(REFRESH_S), '--timeout', str(TIMEOUT_S), *options,
                           token=self.server.token, **more)

    def describe(self, text):
        assert self.server.request('PUT', f'/{STORY}', {'description': text}).status == 200

    def end(self):
        for host in self.hosts:
            if isinstance(host, BadHost):
                host.end()
        self.mounts.finish()
        assert self.server.stop() == 0


@pytest.fixture
def world(tmp_path, star_archive):
    w = World(tmp_path, star_archive)
    yield w
    w.end()


def status(m):
    return (m / '.storyfs/status').read_text()


def search(m, word):
    return ask('os.listdir(sys.argv[1])', m / f'projects/99/search/name:{word}')


def shows(m, text):
    return wait_until(lambda: (m / STORY / 'description').read_text() == f'{text}\n')


@pytest.mark.parametrize('way, looks', [('stranger', 4), ('misnamed', 1), ('expired', 1)])
def test_a_certificate_goes_bad(world, way, looks):
    host = TlsHost(world.server, world.tmp)
    m = world.mount(host, '--ca-file', str(world.tmp / 'ca.pem'))
    known = (m / STORY / 'name').read_text()
    host.be(way)
    # It is asked again at each refresh: it refuses nobody, and may be put right at any time.
    assert wait_until(lambda: host.handshakes >= looks)
    assert wait_until(lambda: 'certificate was not accepted' in status(m))
    assert (m / STORY / 'name').read_text() == known
    assert search(m, 'bad') in {errno.EKEYREJECTED, errno.EHOSTUNREACH}
    assert save(m / STORY / 'name', 'not sent') == errno.EKEYREJECTED
    assert 'certificate' in (m / STORY / '.error').read_text()
    assert story(world.server)['name'] + '\n' == known
    world.describe('meanwhile')
    host.be('well')
    assert shows(m, 'meanwhile') and wait_until(lambda: 'failing' not in status(m))
    assert save(m / STORY / 'name', 'sent') == 0 and search(m, 'bad') == 0
    assert times_written(world.server, 'sent') == 1


def test_a_server_that_is_stopped_for_a_while(world):
    server = world.server
    m = world.mount(server)
    known = (m / STORY / 'name').read_text()
    server.signal(signal.SIGSTOP)
    try:
        assert wait_until(lambda: 'failing_since: 2' in status(m))
        assert (m / STORY / 'name').read_text() == known
        assert {'555', '556'} <= set(os.listdir(m / 'projects/99/stories'))
        assert search(m, 'unknown') in OUT_OF_REACH
        assert save(m / STORY / 'name', 'saved in vain') in OUT_OF_REACH
    finally:
        server.signal(signal.SIGCONT)
    world.describe('awake')
    assert shows(m, 'awake') and wait_until(lambda: 'failing' not in status(m))
    assert save(m / STORY / 'name', 'saved in vain') == 0
    assert times_written(server, 'saved in vain') == 1


def ask_later(code, *args):
    return subprocess.Popen(['/usr/bin/python3', '-c', f'import os, sys\ntry:\n  {code}\n'
                             'except OSError as e: sys.exit(e.errno)\n', *map(str, args)])


@pytest.mark.parametrize('hangs_up', (False, True))
def test_a_mount_that_is_stopped_for_longer_than_it_waits(world, hangs_up):
    """As a machine that sleeps: who saved and who asked meanwhile is answered, what was changed is seen. The answer to
    the save comes meanwhile, or the connections are gone."""
    host = BadHost(world.server)
    m = world.mount(host)
    (m / STORY / 'name').read_text()
    (m / STORY / 'description').read_text()
    host.be('held')
    saving = ask_later('f = open(sys.argv[1], "w"); f.write(sys.argv[2]); f.close()',
                       m / STORY / 'name', 'asleep')
    assert wait_until(lambda: host.n_held)
    m.process.send_signal(signal.SIGSTOP)
    try:
        asking = ask_later('os.listdir(sys.argv[1])', m / 'projects/99/search/name:sleep')
        if hangs_up:
            host.be('gone')
        host.be('well')
        world.describe('while it slept')
        time.sleep(TIMEOUT_S + REFRESH_S)
    finally:
        m.process.send_signal(signal.SIGCONT)
    assert (saving.wait(conftest.DEADLINE), asking.wait(conftest.DEADLINE)) == (0, 0)
    assert (m / STORY / 'name').read_text() == 'asleep\n'
    assert times_written(world.server, 'asleep') == 1
    assert shows(m, 'while it slept') and wait_until(lambda: 'failing' not in status(m))


def test_the_name_of_a_host_is_lost_and_found():
    inside = ['unshare', '--map-root-user', '--mount', '--net']
    if subprocess.run([*inside, 'true'], capture_output=True, timeout=conftest.DEADLINE,
                      check=False).returncode or not shutil.which('ip'):
        pytest.skip('no namespaces here, or no ip(8)')
    done = subprocess.run([*inside, '/usr/bin/python3', pathlib.Path(__file__).with_name('renaming.py')],
                          capture_output=True, text=True, timeout=4 * conftest.DEADLINE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


WRITER = '''
import os, sys
path, n = sys.argv[1], 0
while True:
    try:
        f = os.open(path, os.O_WRONLY | os.O_TRUNC)
        os.write(f, b'save %d\\n' % (n + 1))
        os.close(f)
    except OSError as e:
        print(e.errno)
        break
    n += 1
    print(n, flush=True)
'''


@pytest.mark.parametrize('options', [(), ('--auto-unmount',)], ids=['', 'auto_unmount'])
def test_a_mount_that_is_killed_loses_no_save(world, options):
    m = world.mount(world.server, *options)
    path = m / STORY / 'name'
    assert path.read_text()
    with subprocess.Popen(['/usr/bin/python3', '-c', WRITER, str(path)], stdout=subprocess.PIPE,
                          text=True) as writer:
        for _ in range(5):
            assert writer.stdout.readline()
        m.process.kill()
        said = writer.communicate(timeout=conftest.DEADLINE)[0].split()
    m.process.wait(conftest.DEADLINE)
    # Whoever was at it hears of it: the mount is dead, or gone and the file with it.
    assert int(said[-1]) in {errno.ENOTCONN, errno.ECONNABORTED, errno.ENOENT, errno.EIO}
    n = int(said[-2]) if len(said) > 1 else 5
    saved = story(world.server)['name']
    assert saved in (f'save {n}', f'save {n + 1}')  # the one under way may have reached the host
    if options:
        assert wait_until(lambda: not is_mounted(m.path))
    else:
        with pytest.raises(OSError) as e:
            os.listdir(m.path)
        assert e.value.errno == errno.ENOTCONN and is_mounted(m.path)
        assert conftest.storyfs('umount', m.path).returncode == 0 and not is_mounted(m.path)
    again = conftest.storyfs('mount', '--refresh', REFRESH_S, world.server.url, m.path,
                             env={**conftest.clean_env(), 'STORYFS_TOKEN': world.server.token})
    assert again.returncode == 0, again.stderr
    try:
        assert path.read_text() == f'{saved}\n'
        journal = (m / '.storyfs/journal').read_text()
        assert all(f'save {i}' in journal for i in range(1, n))
    finally:
        assert conftest.storyfs('umount', m.path).returncode == 0
