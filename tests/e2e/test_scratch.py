# SPDX-License-Identifier: GPL-2.0-or-later
"""Scratch files beside fields: several names, and bounds. What they are by themselves is in test_posix."""
import errno
import os
import pathlib

import pytest

import mounts
from mounts import FIELD, INITIAL, wait_until

MAX_FILE = 4 << 20
MAX_ALL = 64 << 20
MAX_NAMES = 16 << 10
N_CUT = 150

pytestmark = pytest.mark.skipif(not mounts.is_built('fake'), reason='fakefs is not built')


@pytest.fixture(scope='module')
def mount():
    m = mounts.FakeMount(vacated_ms=60000)
    yield m
    m.close()


@pytest.fixture
def story(mount):
    return mount.take_story()


@pytest.fixture
def own():
    """A mount of the test's own."""
    m = mounts.FakeMount()
    yield m
    m.close()


def fails(number, function, *args, **more):
    with pytest.raises(OSError) as e:
        function(*args, **more)
    assert e.value.errno == number, e.value
    return True


# Several names.


def test_a_file_with_two_names_is_not_renamed_onto_a_field(mount, story):
    path, other = story / 'new', story / 'other'
    path.write_bytes(b'new\n')
    os.link(path, other)
    assert fails(errno.EXDEV, os.rename, path, story / FIELD)
    assert mount.saves(story) == [] and (story / FIELD).read_bytes() == INITIAL
    other.unlink()
    path.rename(story / FIELD)
    assert mount.saves(story) == [(FIELD, b'new\n', 0)]


def test_a_name_that_is_sent_is_no_second_one(mount, story):
    path = story / 'x'
    path.write_bytes(b'x')
    assert fails(errno.EEXIST, os.link, path, story / FIELD)
    (story / FIELD).unlink()
    assert fails(errno.EPERM, os.link, path, story / FIELD)
    assert fails(errno.EACCES, os.link, path, story.parent / 'x')
    path.rename(story / FIELD)
    assert fails(errno.EPERM, os.link, story / FIELD, story / 'y')
    assert mount.saves(story) == [(FIELD, b'x', 0)]


def test_a_backup_has_other_names(mount, story):
    backup = story / (FIELD + '~')
    (story / FIELD).rename(backup)
    os.link(backup, story / 'kept')
    backup.write_bytes(b'changed\n')
    (story / FIELD).write_bytes(b'saved\n')
    backup.unlink()
    assert (story / 'kept').read_bytes() == b'changed\n' and (story / 'kept').stat().st_nlink == 1
    assert mount.saves(story) == [(FIELD, b'saved\n', 0)]
    assert wait_until(lambda: (story / FIELD).read_bytes() == b'saved\n')


# Bounds.


def test_names_are_counted(own):
    story = own.take_story()
    path = story / 'f'
    before = os.statvfs(story)
    assert before.f_files == before.f_favail == MAX_NAMES
    path.touch()
    for i in range(MAX_NAMES - 1):
        os.link(path, story / f'{i}')
    assert fails(errno.ENOSPC, os.link, path, story / 'more')
    assert fails(errno.ENOSPC, (story / 'more').touch)
    assert fails(errno.ENOSPC, (story / 'more').symlink_to, 'x')
    assert os.statvfs(story).f_favail == 0 and path.stat().st_nlink == MAX_NAMES
    # A field that goes needs none, and one that was freed is there at once.
    (story / FIELD).rename(story / '0')
    (story / '1').unlink()
    (story / 'more').touch()


def test_a_link_without_room_for_its_target_is_none(own):
    story = own.take_story()
    for i in range(MAX_ALL // MAX_FILE):
        with open(story / f'f{i}', 'wb') as f:
            os.ftruncate(f.fileno(), MAX_FILE)
    assert fails(errno.ENOSPC, (story / 'l').symlink_to, 'target')
    assert not os.path.lexists(story / 'l') and 'l' not in os.listdir(story)
    os.truncate(story / 'f0', MAX_FILE - 3)
    with open(story / 'more', 'wb', buffering=0) as f:
        assert f.write(b'abcdef') == 3
        assert fails(errno.ENOSPC, f.write, b'def')


def resident(pid):
    for line in pathlib.Path(f'/proc/{pid}/status').read_text('ascii').splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1]) << 10
    raise AssertionError('no size')


def test_what_was_cut_off_takes_no_memory(own):
    story = own.take_story()
    for i in range(N_CUT):
        with open(story / f'f{i}', 'wb') as f:
            os.ftruncate(f.fileno(), MAX_FILE)
            os.ftruncate(f.fileno(), 1)
    # A sanitizer keeps 256 MiB of what was freed.
    assert resident(own.process.pid) < N_CUT * MAX_FILE * 3 // 4
