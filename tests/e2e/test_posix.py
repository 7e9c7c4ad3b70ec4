# SPDX-License-Identifier: GPL-2.0-or-later
"""Scratch files are files: every system call of the tables (posix/*.table) does in the mount what
the table says, and on ext4 what the table says of ext4."""
import ctypes
import os
import stat
import subprocess

import pytest

import conftest
import mounted
import posix_actors
import posix_places
import posix_random
import posix_table

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

ROWS = posix_table.rows()
OURS = [row for row in ROWS if row.is_for(os.geteuid())]
NOBODY = 65534


@pytest.fixture(scope='module')
def places(star_archive):
    made = posix_places.Places(star_archive)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize('row', OURS, ids=[row.title for row in OURS])
def test_calls(row, places):
    wrong, state = row.run(places.here, in_mount=True)
    assert not wrong, '\n'.join(['in the mount:', *wrong])
    if not places.is_on_ext4():
        return
    wrong, others = row.run(places.elsewhere, in_mount=False)
    assert not wrong, '\n'.join(['on ext4:', *wrong])
    assert state == others or not row.is_alike()


# ---- somebody else's mount ----

CLONE_NEWNS = 0x20000
FUSE = os.makedev(10, 229)


def open_fuse(folder):
    """Let everybody mount, as distributions do; just in this process, and in what it starts."""
    if os.stat('/dev/fuse').st_mode & 0o666 == 0o666:
        return
    assert ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0
    os.mknod(folder / 'fuse', stat.S_IFCHR | 0o666, FUSE)
    os.chmod(folder / 'fuse', 0o666)
    for words in (['--make-rprivate', '/'], ['--bind', folder / 'fuse', '/dev/fuse']):
        subprocess.run(['mount', *words], check=True, timeout=conftest.DEADLINE)


def go_through(places):
    """What is wrong in any row that is for users, and in random calls, here and elsewhere."""
    posix_actors.become(NOBODY)
    os.umask(0o022)
    wrong = []
    for row in ROWS:
        for where in (places.here, places.elsewhere) if row.is_for(NOBODY) else ():
            wrong += row.run(where, in_mount=where is places.here)[0]
    for where in (places.here, places.elsewhere):
        wrong.append(posix_random.check('user', 1000, where))
    return '\n'.join(filter(None, wrong))


def what_a_mode_is_blamed_on(places):
    """A field that was moved away keeps its inode, and is a file as any other: where its own mode
    denies something, the tree has nothing to say. What it says all the same, if it does."""
    moved, errors = places.here['d'] / 'description~', places.mount / '.storyfs/errors'
    before = errors.read_text('utf-8')
    os.rename(places.here['d'] / 'description', moved)
    os.chmod(moved, 0o400)
    denied = 0
    for act in (lambda: os.truncate(moved, 0), lambda: os.open(moved, os.O_WRONLY)):
        try:
            act()
        except PermissionError:
            denied += 1
    os.unlink(moved)
    said = errors.read_text('utf-8')
    return '' if denied == 2 and said == before else f'{denied} of 2 denied, and said: {said}'


def go_through_ones_own(archive, folder):
    open_fuse(folder)
    places = posix_places.Places(archive, user=NOBODY)
    try:
        if not places.is_on_ext4():
            return ''
        return posix_actors.apart(lambda: go_through(places) + what_a_mode_is_blamed_on(places))
    finally:
        places.close()


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_modes_bind_whoever_is_not_root(star_archive, tmp_path):
    """All of it in the mount of a user, who has no other rights than its modes give."""
    assert posix_actors.apart(lambda: go_through_ones_own(star_archive, tmp_path)) == ''


class Directory:
    """As opendir(3) and its like have it."""

    class Entry(ctypes.Structure):
        _fields_ = [('ino', ctypes.c_uint64), ('off', ctypes.c_int64), ('size', ctypes.c_ushort),
                    ('type', ctypes.c_ubyte), ('name', ctypes.c_char * 256)]

    def __init__(self, path):
        self.libc = ctypes.CDLL(None, use_errno=True)
        for name, result in [('opendir', ctypes.c_void_p), ('readdir', ctypes.POINTER(self.Entry)),
                             ('telldir', ctypes.c_long), ('seekdir', None), ('rewinddir', None),
                             ('closedir', ctypes.c_int)]:
            getattr(self.libc, name).restype = result
        self.stream = ctypes.c_void_p(self.libc.opendir(os.fsencode(path)))
        assert self.stream

    def read(self, n=1 << 30):
        """The next names, at most n."""
        names = []
        while len(names) < n:
            entry = self.libc.readdir(self.stream)
            if not entry:
                break
            names.append(os.fsdecode(entry.contents.name))
        return names

    def tell(self):
        return self.libc.telldir(self.stream)

    def seek(self, at):
        self.libc.seekdir(self.stream, ctypes.c_long(at))

    def rewind(self):
        self.libc.rewinddir(self.stream)

    def close(self):
        self.libc.closedir(self.stream)


@pytest.fixture
def names(places):
    """More than fit into one reply, in the mount and elsewhere."""
    where = [places.here['d'], places.elsewhere['d']]
    names = [f'name-{i:04}' + '-' * 60 for i in range(900)]
    for path in where:
        for name in names:
            (path / name).touch()
    yield where, names
    for path in where:
        for name in os.listdir(path):
            if name.startswith('name-'):
                (path / name).unlink()


def test_a_place_in_a_directory_is_found_again(names):
    for path in names[0]:
        directory = Directory(path)
        places = []
        while True:
            at = directory.tell()
            name = directory.read(1)
            if not name:
                break
            places.append((at, name))
        assert sorted(n for _, (n,) in places) == sorted([*os.listdir(path), '.', '..'])
        for at, name in places[::-7]:
            directory.seek(at)
            assert directory.read(1) == name
        directory.seek(places[100][0])
        assert directory.read() == [n for _, (n,) in places[100:]]
        directory.close()


def test_a_directory_is_read_while_it_changes(names):
    """Names that stay are seen once, those that went or came at most once; from the start, all."""
    for path in names[0]:
        directory = Directory(path)
        first = directory.read(30)
        left = [n for n in names[1] if n not in first]
        gone, stay = left[::3], left[1::3] + left[2::3]
        for name in gone:
            (path / name).unlink()
        came = [f'name-new-{i}' for i in range(300)]
        for name in came:
            (path / name).touch()
        for i, name in enumerate(stay[:50]):
            (path / name).rename(path / f'name-moved-{i}')
        rest = directory.read()
        seen = first + rest
        assert len(seen) == len(set(seen))
        assert set(stay[50:]) <= set(rest)
        assert not set(seen) - set(os.listdir(path)) - set(gone) - set(stay[:50]) - {'.', '..'}
        directory.rewind()
        assert sorted(directory.read()) == sorted([*os.listdir(path), '.', '..'])
        directory.close()


def test_a_directory_that_is_emptied_as_it_is_read(names):
    """As rm -r does."""
    for path in names[0]:
        directory = Directory(path)
        while found := directory.read(10):
            for name in found:
                if name.startswith('name-'):
                    (path / name).unlink()
        directory.close()
        assert not [n for n in os.listdir(path) if n.startswith('name-')]


def test_what_the_filesystem_says_of_itself(places):
    path = places.here['d']
    before = os.statvfs(path)
    assert before.f_namemax == 255 and before.f_bsize == before.f_frsize == 4096
    (path / 'a').write_bytes(bytes(4096 * 10))
    now = os.statvfs(path)
    assert before.f_bavail - now.f_bavail == before.f_bfree - now.f_bfree == 10
    assert before.f_favail - now.f_favail == 1 and before.f_files == now.f_files
    (path / 'a').unlink()
