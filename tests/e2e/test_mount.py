# SPDX-License-Identifier: GPL-2.0-or-later
"""The mount itself, on the fake tree: scratch files, listings, what the kernel is told, and what
happens when a save is slow, refused or interrupted, or the mount ends."""
import ctypes
import errno
import fcntl
import mmap
import os
import signal
import stat
import subprocess
import time

import pytest

import mounts
from mounts import FIELD, INITIAL, WORDS, read, wait_until

REJECTED = FIELD + '.rejected'
VACATED_S = 1.0
MAX_FILE = 4 << 20
MAX_ALL = 64 << 20
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2

libc = ctypes.CDLL(None, use_errno=True)


def renameat2(old, new, flags):
    r = libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags)
    return 0 if r == 0 else ctypes.get_errno()


@pytest.fixture(scope='module')
def shared():
    if not mounts.is_built('fake'):
        pytest.skip('fakefs is not built')
    m = mounts.FakeMount(vacated_ms=int(VACATED_S * 1000))
    yield m
    m.close()


@pytest.fixture
def mount(shared):
    yield shared
    shared.refuse(None)


@pytest.fixture
def story(mount):
    return mount.take_story()


@pytest.fixture
def own():
    """A mount of the test's own."""
    if not mounts.is_built('fake'):
        pytest.skip('fakefs is not built')
    m = mounts.FakeMount()
    yield m
    m.close()


def fails(number, function, *args, **more):
    return fails_with((number,), function, *args, **more)


def fails_with(numbers, function, *args, **more):
    with pytest.raises(OSError) as e:
        function(*args, **more)
    assert e.value.errno in numbers, e.value
    return True


def is_listed(path):
    return path.name in os.listdir(path.parent)


# Scratch files.


def test_a_scratch_file_is_a_file(story):
    path = story / '.x.swp'
    with open(path, 'xb+') as f:
        f.write(b'hello')
        f.flush()
        f.seek(1)
        assert f.read() == b'ello'
        os.ftruncate(f.fileno(), 2)
        assert os.fstat(f.fileno()).st_size == 2
        os.truncate(path, 4)
    assert path.read_bytes() == b'he\0\0'
    path.chmod(0o640)
    os.utime(path, ns=(1_000_000_001, 2_000_000_002))
    st = path.stat()
    assert stat.S_IMODE(st.st_mode) == 0o640 and st.st_nlink == 1 and st.st_uid == os.getuid()
    assert (st.st_atime_ns, st.st_mtime_ns) == (1_000_000_001, 2_000_000_002)
    assert st.st_ino >> 63 and is_listed(path)
    assert fails(errno.EEXIST, open, path, 'x')
    path.rename(story / 'y')
    assert not path.exists() and not is_listed(path) and (story / 'y').stat().st_ino == st.st_ino
    (story / 'y').unlink()
    assert not (story / 'y').exists() and not is_listed(story / 'y')


def test_an_unlinked_file_lives_while_it_is_open(story):
    path = story / 'x'
    with open(path, 'wb+') as f:
        path.unlink()
        f.write(b'abc')
        f.flush()
        f.seek(0)
        assert f.read() == b'abc' and os.fstat(f.fileno()).st_nlink == 0
        path.write_bytes(b'other')
        f.seek(0)
        assert f.read() == b'abc'
    assert path.read_bytes() == b'other'
    path.unlink()


def test_renames_replace_and_exchange(mount, story):
    a, b = story / 'a', story / 'b'
    a.write_bytes(b'a')
    b.write_bytes(b'b')
    assert renameat2(a, b, RENAME_NOREPLACE) == errno.EEXIST
    assert renameat2(a, story / 'c', RENAME_EXCHANGE) == errno.ENOENT
    assert renameat2(a, story / FIELD, RENAME_EXCHANGE) == errno.EINVAL
    assert renameat2(a, b, RENAME_EXCHANGE) == 0
    assert (a.read_bytes(), b.read_bytes()) == (b'b', b'a')
    a.rename(b)
    assert b.read_bytes() == b'b' and not a.exists()
    other = mount.take_story()
    b.rename(other / 'b')
    assert read(b) is None and (other / 'b').read_bytes() == b'b'
    (other / 'b').unlink()
    assert mount.saves(story) == [] and mount.saves(other) == []


def test_links_are_scratch_too(mount, story):
    lock = story / '.#x'
    lock.symlink_to('user@host.1:2')
    assert os.readlink(lock) == 'user@host.1:2' and lock.lstat().st_size == 13
    assert fails(errno.EEXIST, lock.symlink_to, 'other')
    assert fails(errno.EINVAL, os.rename, lock, story / FIELD)
    lock.unlink()
    assert not is_listed(lock) and mount.saves(story) == []


def test_what_is_no_file_is_refused(story):
    path = story / 'x'
    path.write_bytes(b'x')
    assert fails(errno.EPERM, os.mkdir, story / 'd')
    assert fails(errno.EPERM, os.mkfifo, story / 'p')
    assert fails(errno.EPERM, os.link, story / FIELD, story / 'l')
    assert fails(errno.EPERM, os.link, story / 'id', story / 'l')
    # Whom modes bind is told by the kernel: the directory around may be read-only.
    assert fails_with((errno.EPERM, errno.EACCES, errno.ENOTEMPTY), os.rmdir, story)
    assert fails(errno.EPERM, os.unlink, story / 'id')
    assert fails(errno.EPERM, os.rename, story / 'id', story / 'x')
    assert fails(errno.EPERM, os.rename, path, story / 'id')
    assert fails(errno.EACCES, open, story / 'id', 'w')
    assert fails(errno.EACCES, open, story.parent / 'x', 'w')
    assert fails(errno.EACCES, os.rename, path, story.parent / 'x')
    assert fails(errno.ENAMETOOLONG, open, story / ('n' * 256), 'w')
    assert fails(errno.EOPNOTSUPP, os.setxattr, path, 'user.a', b'b')
    assert fails(errno.ENODATA, os.getxattr, story / FIELD, 'security.capability')
    # ls asks these of each file, until it is told that there is no such thing here.
    for name in ('system.posix_acl_access', 'system.posix_acl_default', 'security.selinux'):
        assert fails(errno.EOPNOTSUPP, os.getxattr, story / FIELD, name)
    assert fails(errno.ENODATA, os.getxattr, story / FIELD, 'user.storyfs.error')
    assert os.listxattr(story / FIELD) == []
    assert fails(errno.EOPNOTSUPP, os.open, story, os.O_TMPFILE | os.O_RDWR)
    (story / ('n' * 255)).write_bytes(b'')
    (story / ('n' * 255)).unlink()
    path.unlink()


def test_memory_is_bounded(own):
    story = own.take_story()
    paths = [story / f'f{i}' for i in range(MAX_ALL // MAX_FILE)]
    for path in paths:
        path.write_bytes(b'x' * MAX_FILE)
    assert fails(errno.ENOSPC, (story / 'more').write_bytes, b'x')
    with open(paths[0], 'r+b') as f:
        assert fails(errno.EFBIG, os.ftruncate, f.fileno(), MAX_FILE + 1)
        assert fails(errno.EFBIG, os.pwrite, f.fileno(), b'x', MAX_FILE)
    st = os.statvfs(story)
    assert st.f_bavail == 0 and st.f_blocks * st.f_frsize == MAX_ALL
    for path in paths:
        path.unlink()
    assert wait_until(lambda: os.statvfs(story).f_bavail == st.f_blocks)
    (story / 'more').write_bytes(b'x')


def test_files_can_be_locked_copied_and_allocated(story):
    path = story / 'x'
    with open(path, 'wb+') as f, open(path, 'rb') as g, open(story / 'y', 'wb') as h:
        fcntl.flock(f, fcntl.LOCK_EX)
        assert fails(errno.EAGAIN, fcntl.flock, g, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(f, fcntl.LOCK_EX)
        os.posix_fallocate(f.fileno(), 0, 10)
        assert os.fstat(f.fileno()).st_size == 10
        os.pwrite(f.fileno(), b'0123456789', 0)
        assert os.copy_file_range(g.fileno(), h.fileno(), 10) == 10
        assert os.lseek(g.fileno(), 0, os.SEEK_HOLE) == 10
    assert (story / 'y').read_bytes() == b'0123456789'


# Listings.


def test_a_listing_is_whole_while_names_come_and_go(mount, story):
    names = {f'scratch-{i:03}' for i in range(300)}
    for name in names:
        (story / name).write_bytes(b'x')
    before = set(os.listdir(story))
    assert names < before
    seen = []
    with os.scandir(story) as entries:
        for i, entry in enumerate(entries):
            seen.append(entry.name)
            if i == 20:
                (story / 'scratch-000').unlink()
                (story / 'scratch-later').write_bytes(b'x')
    assert len(seen) == len(set(seen)) and before <= set(seen) | {'scratch-000'}
    assert set(os.listdir(story)) == before - {'scratch-000'} | {'scratch-later'}
    assert len(os.listdir(story.parent)) == mounts.N_STORIES
    for name in os.listdir(story):
        if name.startswith('scratch-'):
            (story / name).unlink()


def test_listing_and_lookup_agree_on_numbers(story):
    (story / 'x').write_bytes(b'x')
    (story / FIELD).rename(story / (FIELD + '~'))
    with os.scandir(story) as entries:
        numbers = {e.name: e.inode() for e in entries}
    assert FIELD not in numbers and FIELD + '~' in numbers
    for name, number in numbers.items():
        assert (story / name).lstat().st_ino == number, name


# Fields.


def test_a_field_that_is_moved_away_comes_back(mount, story):
    path, number = story / FIELD, (story / FIELD).stat().st_ino
    path.unlink()
    assert not path.exists() and not is_listed(path)
    assert wait_until(lambda: path.exists() and is_listed(path), VACATED_S + 3)
    assert path.read_bytes() == INITIAL and path.stat().st_ino == number
    backup = story / (FIELD + '~')
    path.rename(backup)
    assert backup.read_bytes() == INITIAL and not path.exists()
    assert wait_until(lambda: path.exists() and is_listed(path), VACATED_S + 3)
    backup.write_bytes(b'changed\n')
    assert path.read_bytes() == INITIAL and backup.read_bytes() == b'changed\n'
    assert path.stat().st_ino != backup.stat().st_ino
    path.write_bytes(b'saved\n')
    assert backup.read_bytes() == b'changed\n' and path.read_bytes() == b'saved\n'
    assert [t for _, t, _ in mount.saves(story)] == [b'saved\n']
    backup.unlink()


def test_a_field_has_its_number_again_after_a_save_by_rename(mount, story):
    path, number = story / FIELD, (story / FIELD).stat().st_ino
    for text in (b'a\n', b'b\n'):
        (story / 'x').write_bytes(text)
        (story / 'x').rename(path)
        assert path.read_bytes() == text
        assert wait_until(lambda: path.stat().st_ino == number)
    assert [t for _, t, _ in mount.saves(story)] == [b'a\n', b'b\n']


def test_a_field_is_not_renamed_onto_another(mount, story):
    assert fails(errno.EXDEV, os.rename, story / FIELD, story / 'name')
    subprocess.run(['mv', story / FIELD, story / 'name'], check=True, timeout=10)
    assert [(f, t) for f, t, _ in mount.saves(story)] == [('name', INITIAL)]
    assert wait_until(lambda: read(story / FIELD) == INITIAL, VACATED_S + 3)


def test_what_was_written_reads_back_until_it_is_opened_anew(mount, story):
    path = story / FIELD
    fd = os.open(path, os.O_RDWR | os.O_TRUNC)
    os.write(fd, b'abc')
    os.fsync(fd)
    assert os.fstat(fd).st_size == 3 and os.pread(fd, 9, 0) == b'abc'
    os.close(fd)
    assert path.read_bytes() == b'abc\n' and path.stat().st_size == 4
    assert [t for _, t, _ in mount.saves(story)] == [b'abc']


@pytest.mark.parametrize('text', [b'a\0b\n', b'caf\xe9\n', b'\xff'])
def test_what_is_no_text_is_never_sent(mount, story, text):
    assert fails(errno.EINVAL, (story / FIELD).write_bytes, text)
    assert mount.saves(story) == [] and (story / FIELD).read_bytes() == INITIAL
    assert (story / REJECTED).read_bytes() == text
    assert 'is not text' in (story / '.error').read_text()


def test_a_hole_is_never_sent(mount, story):
    fd = os.open(story / FIELD, os.O_WRONLY)
    os.pwrite(fd, b'x', 100)
    assert fails(errno.EINVAL, os.close, fd)
    assert mount.saves(story) == [] and (story / FIELD).read_bytes() == INITIAL


def test_a_required_field_is_not_emptied(mount, story):
    (story / 'name').write_bytes(b'')
    assert wait_until(lambda: read(story / '.error'))
    assert 'may not be empty' in (story / '.error').read_text()
    assert (story / 'name').read_bytes() == b'A story\n' and mount.saves(story) == []
    assert fails(errno.EINVAL, os.truncate, story / 'name', 0)


def test_an_error_comes_and_goes_with_the_refusal(mount, story):
    error, rejected, path = story / '.error', story / REJECTED, story / FIELD
    assert not error.exists() and not rejected.exists()  # the kernel may remember that
    os.listdir(story)
    mount.refuse('403')
    assert fails(errno.EACCES, path.write_bytes, b'first\n')
    assert wait_until(lambda: error.exists() and is_listed(error) and is_listed(rejected))
    assert WORDS in error.read_text()
    assert os.listxattr(path) == ['user.storyfs.error']
    assert rejected.read_bytes() == b'first\n'
    mount.refuse('400')
    assert fails(errno.EINVAL, path.write_bytes, b'second one\n')
    assert wait_until(lambda: rejected.read_bytes() == b'second one\n')
    mount.refuse(None)
    path.write_bytes(b'third\n')
    assert wait_until(lambda: not error.exists() and not is_listed(error))
    assert wait_until(lambda: not rejected.exists() and not is_listed(rejected))
    assert os.listxattr(path) == [] and path.read_bytes() == b'third\n'


def test_a_rejected_text_can_be_sent_by_renaming_it(mount, story):
    mount.refuse('503')
    assert fails(errno.EHOSTDOWN, (story / FIELD).write_bytes, b'mine\n')
    mount.refuse(None)
    (story / REJECTED).rename(story / FIELD)
    assert (story / FIELD).read_bytes() == b'mine\n' and not (story / REJECTED).exists()
    assert [r for _, _, r in mount.saves(story)] == [errno.EHOSTDOWN, 0]


def test_one_text_is_sent_once(mount, story):
    mount.refuse('403')
    fd = os.open(story / FIELD, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b'no\n')
    assert fails(errno.EACCES, os.fsync, fd)
    os.fsync(fd)
    os.close(os.dup(fd))
    assert len(mount.saves(story)) == 1
    mount.refuse(None)
    os.write(fd, b'yes\n')
    os.fsync(fd)
    os.close(fd)
    assert [(t, r) for _, t, r in mount.saves(story)] == [(b'no\n', errno.EACCES), (b'no\nyes\n', 0)]


def test_an_error_is_not_told_to_somebody_else(mount, story):
    mount.refuse('403')
    writer = os.open(story / FIELD, os.O_WRONLY | os.O_TRUNC)
    other = os.open(story / FIELD, os.O_WRONLY)
    os.write(writer, b'no\n')
    os.fsync(other)
    os.close(other)
    assert mount.saves(story) == []
    assert fails(errno.EACCES, os.close, writer)


def test_mtime_holds_for_who_has_seen_it(mount, story):
    path = story / FIELD
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b'no newline')
    seen = os.fstat(fd).st_mtime_ns
    os.close(fd)
    assert path.stat().st_mtime_ns == seen
    assert path.read_bytes() == b'no newline\n'
    time.sleep(0.2)
    assert path.stat().st_mtime_ns == seen
    mount.change(story, FIELD, 'theirs')
    assert wait_until(lambda: path.stat().st_mtime_ns != seen)
    before = path.stat().st_mtime_ns
    mount.refuse('400')
    assert fails(errno.EINVAL, path.write_bytes, b'refused\n')
    assert path.stat().st_mtime_ns == before


# What the kernel is told.


@pytest.mark.parametrize('text', ['x', 'ONE two three', 'longer than it was before: ' + 'x' * 100])
def test_a_foreign_change_is_seen_at_once(mount, story, text):
    path = story / FIELD
    with open(path, 'rb') as f:
        assert f.read() == INITIAL and path.stat().st_size == len(INITIAL)
        mount.change(story, FIELD, text)
        expected = text.encode() + b'\n'
        assert wait_until(lambda: path.stat().st_size == len(expected) and
                          path.read_bytes() == expected)
        f.seek(0)
        assert f.read() == expected


@pytest.mark.parametrize('text', ['ONE two three', 'x', 'longer than it was before: ' + 'x' * 100])
def test_a_mapping_shows_a_foreign_change_by_itself(mount, story, text):
    """Nobody looks at the file by its name or a descriptor meanwhile."""
    with open(story / FIELD, 'rb') as f, mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        assert m[:] == INITIAL
        mount.change(story, FIELD, text)
        expected = (text.encode() + b'\n').ljust(len(INITIAL), b'\0')[:len(INITIAL)]
        assert wait_until(lambda: m[:] == expected)


def test_a_mapping_that_is_written_keeps_what_was_written(mount, story):
    with open(story / FIELD, 'r+b') as f:
        with mmap.mmap(f.fileno(), 0) as m:
            m[:3] = b'ONE'
            mount.change(story, FIELD, 'theirs')
            mount.change(story, 'name', 'and theirs')
            assert wait_until(lambda: (story / 'name').read_bytes() == b'and theirs\n')
            assert m[:] == b'ONE' + INITIAL[3:]


def test_fields_that_a_save_moves_are_seen(story):
    before = (story / 'updated_at').stat().st_mtime_ns
    (story / FIELD).write_bytes(b'x\n')
    assert wait_until(lambda: (story / 'updated_at').stat().st_mtime_ns != before)


def test_appending_goes_to_the_end_that_is(mount, story):
    (story / FIELD).read_bytes()
    mount.change(story, FIELD, 'a much longer text than it was when the kernel looked')
    with open(story / FIELD, 'ab') as f:
        f.write(b'end\n')
    assert (story / FIELD).read_bytes() == (
        b'a much longer text than it was when the kernel looked\nend\n')


# Slow servers, signals, ends.


def test_an_interrupted_save_ends_at_once(mount, story):
    mount.delay(60000)
    (mount.tmp / 'src').write_bytes(b'new\n')
    cp = subprocess.Popen(['cp', mount.tmp / 'src', story / FIELD], stderr=subprocess.PIPE)
    time.sleep(0.5)
    assert cp.poll() is None
    start = time.monotonic()
    cp.send_signal(signal.SIGINT)
    cp.communicate(timeout=10)
    assert time.monotonic() - start < 1
    # Nobody told its author what became of it, so the last close tries again; that is refused, too.
    assert wait_until(lambda: len(mount.saves(story)) == 2, mounts.TIMEOUT_S + 3)
    assert [r for _, _, r in mount.saves(story)] == [errno.EINTR, errno.ETIMEDOUT]
    assert wait_until(lambda: read(story / REJECTED) == b'new\n')


def test_a_slow_save_keeps_nobody_else_waiting(mount, story):
    mount.delay(1500)
    save = subprocess.Popen(['sh', '-c', f'echo new > {story / FIELD}'])
    time.sleep(0.3)
    start = time.monotonic()
    other = mount.take_story()
    assert (other / FIELD).read_bytes() == INITIAL and len(os.listdir(story)) > 10
    (story / 'x').write_bytes(b'x')
    (story / 'x').unlink()
    assert time.monotonic() - start < 1 and save.poll() is None
    save.wait(10)


def test_a_server_that_hangs_ends_in_time(mount, story):
    mount.refuse('hang')
    start = time.monotonic()
    assert fails(errno.ETIMEDOUT, (story / FIELD).write_bytes, b'x\n')
    assert time.monotonic() - start < mounts.TIMEOUT_S + 2


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts_and_saves_what_is_left(own, number):
    story = own.take_story()
    fd = os.open(story / FIELD, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b'left\n')
    own.process.send_signal(number)
    assert own.process.wait(10) == 0 and not mounts.is_mounted(own.path)
    assert [(t, r) for _, t, r in own.saves(story)] == [(b'left\n', 0)]
    with pytest.raises(OSError):
        os.close(fd)


def test_a_signal_during_a_save_waits_for_it(own):
    story = own.take_story()
    own.delay(800)
    save = subprocess.Popen(['sh', '-c', f'echo new > {story / FIELD}'])
    time.sleep(0.3)
    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(10) == 0 and save.wait(10) == 0
    assert [(t, r) for _, t, r in own.saves(story)] == [(b'new\n', 0)]


def test_a_dead_mount_is_healed(own):
    own.process.kill()
    own.process.wait()
    assert fails(errno.ENOTCONN, os.stat, own.path) and mounts.is_mounted(own.path)
    argv = own.process.args
    own.start(argv)
    assert own.process.stdout.readline() == b'ready\n'
    assert (own.take_story() / FIELD).read_bytes() == INITIAL
    lines = [x for x in open('/proc/self/mountinfo') if x.split()[4] == str(own.path)]
    assert len(lines) == 1 and ' fuse.storyfs fake,tree ' in lines[0]
