# SPDX-License-Identifier: GPL-2.0-or-later
"""Random sequences of system calls on scratch files go as a model in memory says, and so they do on
ext4. STORYFS_RANDOM is how many calls are made in each (100000 for the full size), STORYFS_SEED what
they come from."""
import os
import signal
import subprocess

import pytest

import mounted
import posix_places
import posix_random
from mounts import wait_until

CALLS = int(os.environ.get('STORYFS_RANDOM', '3000'))
SEED = os.environ.get('STORYFS_SEED', '1')

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')


@pytest.fixture(scope='module')
def places(star_archive):
    before = os.umask(0o022)
    made = posix_places.Places(star_archive)
    yield made
    made.close()
    os.umask(before)


def test_the_model_is_right(places):
    if not places.is_on_ext4():
        pytest.skip('temporary files are not on ext4')
    assert posix_random.check(SEED, CALLS, places.elsewhere) is None


def free(places):
    """What is left for bytes and names."""
    found = os.statvfs(places.here['d'])
    return found.f_bavail, found.f_favail


def test_the_mount_goes_as_the_model(places):
    before = free(places)
    assert posix_random.check(SEED, CALLS, places.here) is None
    # What is gone, and was forgotten by the kernel, takes no room.
    assert wait_until(lambda: free(places) == before), (before, free(places))


@pytest.fixture
def onlookers(places):
    """Who lists and reads what is there, again and again."""
    d, e = places.here.values()
    looking = [subprocess.Popen(['sh', '-c', f'while :; do {command}; done'], start_new_session=True,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for command in (f'ls -lU {d} {e}', f'for f in {d}/[abc] {e}/[abc]; do cat "$f"; done')]
    yield
    for process in looking:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_it_does_so_while_others_look(places, onlookers):
    del onlookers
    assert posix_random.check(f'{SEED} looked at', CALLS // 2, places.here) is None


class Forgetful(posix_random.posix_calls.Calls):
    """Files that are cut keep what was behind."""

    def do_ftruncate(self, fd, size):
        if int(size) >= os.fstat(self.fds[fd]).st_size:
            super().do_ftruncate(fd, size)


def test_a_difference_is_found_and_shortened(places, monkeypatch):
    monkeypatch.setattr(posix_random.posix_calls, 'Calls', Forgetful)
    text = posix_random.check(SEED, 20 * posix_random.N_ROUND, places.elsewhere)
    lines = text.splitlines()
    assert lines[0].startswith(f'seed {SEED}, round ') and len(lines) < 10, text
    assert any(line.startswith('ftruncate') for line in lines), text
