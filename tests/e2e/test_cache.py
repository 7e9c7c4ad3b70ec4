# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mount of a host keeps for the next one: there at once, without the host, and made true with it."""
import contextlib
import errno
import os
import shutil
import signal
import sqlite3
import stat
import subprocess

import pytest

import conftest
import mounted
from badhost import BadHost
from mounts import unmount, wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
NAME = f'{P}/stories/555/name'
LOADED = ['stories', 'epics', 'labels', 'memberships', 'by-state', 'by-owner', 'json', 'markdown', 'stories.tsv',
          'activity', 'iterations', 'project.json']


@pytest.fixture(scope='module')
def served(star_archive, tmp_path_factory):
    """A server that all tests of this file share; what they change is named."""
    folder = tmp_path_factory.mktemp('served')
    archive = shutil.copy(star_archive, folder / 'a.db')
    server = conftest.Server(archive, log=folder / 'log')
    server.archive = archive
    server.token = conftest.storyfs('user', 'token', archive).stdout.strip()
    yield server
    assert server.stop() == 0, server.errors


class Place:
    """A person's cache, a host that can be bad, and mounts of it, one after the other."""

    def __init__(self, served, folder):
        self.served, self.folder, self.host = served, folder, BadHost(served)
        self.cache, self.mounts = folder / 'cache', mounted.Mounts(folder)
        self.mount = None

    def start(self, *options, token=None, refresh=1):
        self.mount = self.mounts(self.host.url, '--refresh', refresh, '--timeout', 3, *options,
                                 token=token or self.served.token, cache=self.cache)
        return self.mount

    def stop(self):
        assert self.mount.stop() == 0, self.mount.errors.name

    def warm(self):
        """What a mount shows of the project, which is then kept."""
        self.start()
        shown = self.read()
        self.stop()
        return shown

    def read(self):
        found = {}
        for name in LOADED:
            top = self.mount / P / name
            paths = [top] if top.is_file() else sorted(top.rglob('*'))
            for path in paths:
                found[str(path.relative_to(self.mount.path))] = (
                    os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None)
        return found

    def status(self):
        text = (self.mount / '.storyfs/status').read_text()
        return dict(line.split(': ', 1) for line in text.splitlines())

    def rename(self, text):
        answer = self.served.request('PUT', '/projects/99/stories/555', {'name': text})
        assert answer.status == 200

    def files(self, suffix='.db'):
        return sorted(self.cache.glob(f'storyfs/*{suffix}'))


@pytest.fixture
def place(served, tmp_path):
    place = Place(served, tmp_path)
    yield place
    try:
        place.mounts.finish()
    finally:
        place.host.end()


def test_all_is_there_without_the_host(place):
    before = place.warm()
    place.host.be('gone')
    place.start()
    assert place.read() == before
    status = place.status()
    assert status['looked_at'] == 'never'
    assert status['shown_is_of'].startswith('20') and status['cache'].endswith('.db')
    assert wait_until(lambda: place.status().get('host') == 'does not answer')
    assert place.status()['failing_since'].startswith('20')
    assert (place.mount / 'me/username').read_text() == 'palpatine\n'


def test_a_host_that_says_nothing_holds_up_nothing(place):
    before = place.warm()
    place.host.be('hang')
    place.start()
    assert sorted(os.listdir(place.mount / P / 'stories')) == ['555', '556']
    assert place.read() == before


def test_a_listing_is_there_before_the_host_was_asked(place):
    place.warm()
    place.host.be('hang')
    place.start()
    assert '555' in os.listdir(place.mount / P / 'stories')
    assert [path for _, path in place.host.asked if '/stories' in path] == []


def test_what_was_not_loaded_fails(place):
    place.start()
    (place.mount / NAME).read_text()
    place.stop()
    place.host.be('gone')
    place.start()
    assert (place.mount / NAME).read_text()
    with pytest.raises(OSError) as failed:
        os.listdir(place.mount / P / 'epics')
    assert failed.value.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH)


def test_a_save_without_the_host_fails_and_is_not_lost(place):
    place.warm()
    place.host.be('gone')
    place.start()
    was = (place.mount / NAME).read_text()
    assert save(place.mount / NAME, b'Mine, written on a train\n') in (errno.ECONNREFUSED, errno.EHOSTUNREACH)
    story = (place.mount / NAME).parent
    assert (place.mount / NAME).read_text() == was
    assert (story / 'name.rejected').read_text() == 'Mine, written on a train\n'
    assert 'name' in (story / '.error').read_text()
    assert place.served.request('GET', '/projects/99/stories/555').json()['name'] == was[:-1]


def test_it_is_made_true_when_the_host_is_back(place):
    place.warm()
    place.rename('Changed while nobody looked')
    made = place.served.request('POST', '/projects/99/stories', {'name': 'New'}).json()['id']
    place.host.be('gone')
    place.start()
    assert (place.mount / NAME).read_text() != 'Changed while nobody looked\n'
    assert str(made) not in os.listdir(place.mount / P / 'stories')
    place.host.be('well')
    assert wait_until(lambda: (place.mount / NAME).read_text() == 'Changed while nobody looked\n')
    assert wait_until(lambda: str(made) in os.listdir(place.mount / P / 'stories'))
    assert wait_until(lambda: 'shown_is_of' not in place.status())
    # By what happened, not by all that there is.
    assert not [path for _, path in place.host.asked if '/stories?' in path and 'limit' in path]
    assert place.served.request('DELETE', f'/projects/99/stories/{made}').status == 204


def save(path, text):
    """The errno of the close; 0 when it went well."""
    f = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.write(f, text)
    try:
        os.close(f)
    except OSError as e:
        return e.errno
    return 0


def test_a_save_over_an_old_text_is_a_conflict(place):
    place.warm()
    place.rename('Theirs')
    place.host.be('gone')
    place.start(refresh=3600)
    assert (place.mount / NAME).read_text() != 'Theirs\n'
    place.host.be('well')
    outcome = wait_until(lambda: (e := save(place.mount / NAME, b'Mine')) != errno.EHOSTUNREACH and [e])
    assert outcome == [errno.EBUSY]
    assert (place.mount / NAME).read_text() == 'Theirs\n'
    assert place.served.request('GET', '/projects/99/stories/555').json()['name'] == 'Theirs'


def count_loads(path):
    """None while the file is being made."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        try:
            return db.execute('SELECT count(*) FROM load').fetchone()[0]
        except sqlite3.OperationalError:
            return None


def test_after_a_kill_there_is_what_was_kept(place):
    place.warm()
    n = count_loads(place.files()[0])
    shutil.rmtree(place.cache)
    place.start()
    before = place.read()
    assert wait_until(lambda: place.files() and count_loads(place.files()[0]) == n)
    place.mount.process.send_signal(signal.SIGKILL)
    place.mount.process.wait(conftest.DEADLINE)
    unmount(place.mount.path)
    place.host.be('gone')
    place.start()
    assert place.read() == before


def test_it_is_for_nobody_else(place):
    place.warm()
    assert len(place.files()) == 1
    assert stat.S_IMODE(place.files()[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((place.cache / 'storyfs').stat().st_mode) == 0o700
    found = subprocess.run(['grep', '-r', '-l', '-a', place.served.token, str(place.cache)],
                           capture_output=True, text=True, check=False)
    assert found.stdout == '' and place.served.token not in str(place.files())
    # Another person of the same host.
    other = conftest.storyfs('user', 'token', place.served.archive, 'vader').stdout.strip()
    place.start(token=other)
    assert (place.mount / 'me/username').read_text() == 'vader\n'
    place.stop()
    assert len(place.files()) == 2
    place.host.be('gone')
    done = conftest.storyfs('mount', place.host.url, place.folder / 'none', '--timeout', 1,
                            env={**conftest.clean_env(), 'STORYFS_TOKEN': 'f' * 32,
                                 'XDG_CACHE_HOME': str(place.cache)})
    assert done.returncode == 1


def test_a_token_that_is_refused_is_told(place):
    token = conftest.storyfs('user', 'token', place.served.archive, '--label', 'lost').stdout.strip()
    place.start(token=token)
    before = (place.mount / NAME).read_text()
    place.stop()
    listed = conftest.storyfs('user', 'token', place.served.archive, '--list').stdout
    row = next(line.split()[0] for line in listed.splitlines() if 'lost' in line)
    assert conftest.storyfs('user', 'token', place.served.archive, '--revoke', row).returncode == 0
    place.start(token=token)
    assert (place.mount / NAME).read_text() == before
    assert wait_until(lambda: place.status().get('host') == 'refuses the token')


def test_one_that_is_damaged_is_put_aside(place):
    before = place.warm()
    kept = place.files()[0]
    kept.write_bytes(b'no database' * 1000)
    place.start()
    assert place.read() == before
    place.stop()
    assert place.files('.db.damaged') and 'no cache of this program' in open(
        place.mount.errors.name, encoding='utf-8').read()
    place.host.be('gone')
    place.start()
    assert place.read() == before


def test_nothing_is_kept_when_told_so(place):
    place.start('-o', 'no_cache')
    place.read()
    assert 'cache' not in place.status()
    place.stop()
    assert not place.files('*')
