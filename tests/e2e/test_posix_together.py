# SPDX-License-Identifier: GPL-2.0-or-later
"""What processes that share scratch files may rely on: whole appends, locks of every sort, names that
change in one step."""
import errno
import fcntl
import os
import time

import pytest

import mounted
import posix_actors
import posix_calls
import posix_places
from mounts import wait_until

N_PROCESSES = 4
N_APPENDS = 150
N_COUNTS = 40
N_REPLACED = 250
N_LOOKING = 2

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')


@pytest.fixture(scope='module')
def places(star_archive):
    made = posix_places.Places(star_archive)
    yield made
    made.close()


@pytest.fixture(params=['in the mount', 'elsewhere'])
def here(request, places):
    found = places.here if request.param == 'in the mount' else places.elsewhere
    before = set(os.listdir(found['d']))
    yield found['d']
    for name in set(os.listdir(found['d'])) - before:
        (found['d'] / name).unlink()


def at_once(*functions):
    """What they return, each in a process of its own, all at the same time."""
    return [begun() for begun in [posix_actors.begin(function) for function in functions]]


def append(path, who):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for i in range(N_APPENDS):
        line = f'{who} {i} '.encode() + b'x' * (i * 37 % 600) + b'\n'
        assert os.write(fd, line) == len(line)


def test_appends_are_whole_and_in_order(here):
    path = here / 'log'
    at_once(*[lambda who=who: append(path, who) for who in range(N_PROCESSES)])
    lines = path.read_bytes().splitlines()
    assert len(lines) == N_PROCESSES * N_APPENDS
    for who in range(N_PROCESSES):
        mine = [line.split() for line in lines if int(line.split()[0]) == who]
        assert [int(words[1]) for words in mine] == list(range(N_APPENDS))
        assert all(len(b''.join(words[2:])) == int(words[1]) * 37 % 600 for words in mine)


# ---- locks: each is taken and given back ----

def until_taken(take):
    """Try until the name is ours."""
    end = time.monotonic() + 60
    while True:
        try:
            return take()
        except OSError as e:
            assert e.errno == errno.EEXIST and time.monotonic() < end, e
        time.sleep(0)


def by_flock(folder, _):
    fd = os.open(folder / 'lock', os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return lambda: os.close(fd)


def by_fcntl(folder, _):
    fd = os.open(folder / 'lock', os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.lockf(fd, fcntl.LOCK_EX)
    return lambda: os.close(fd)


def exclusive(folder, take):
    until_taken(take)
    return lambda: os.unlink(folder / 'lock')


def by_name(folder, _):
    return exclusive(folder, lambda: os.close(os.open(folder / 'lock', os.O_CREAT | os.O_EXCL)))


def by_symlink(folder, who):
    return exclusive(folder, lambda: os.symlink(f'{who}', folder / 'lock'))


def by_link(folder, who):
    mine = folder / f'lock.{who}'
    mine.touch()

    def give_back():
        assert mine.stat().st_nlink == 2
        os.unlink(folder / 'lock')

    until_taken(lambda: os.link(mine, folder / 'lock'))
    return give_back


def by_rename(folder, who):
    calls = posix_calls.Calls({'d': folder})
    (folder / f'lock.{who}').touch()

    def take():
        outcome = calls.run(f'rename d/lock.{who} d/lock NOREPLACE')
        if outcome != 'ok':
            raise OSError(getattr(errno, outcome), '')

    return exclusive(folder, take)


def count(folder, lock, who):
    """Add to a number, which goes wrong when two do so at the same time."""
    for _ in range(N_COUNTS):
        give_back = lock(folder, who)
        path = folder / 'number'
        number = int(path.read_text()) if path.exists() else 0
        path.write_text(f'{number + 1}')
        give_back()


@pytest.mark.parametrize('lock', [by_flock, by_fcntl, by_name, by_symlink, by_link, by_rename])
def test_locks_keep_others_out(lock, here):
    at_once(*[lambda who=who: count(here, lock, who) for who in range(N_PROCESSES)])
    assert (here / 'number').read_text() == f'{N_PROCESSES * N_COUNTS}'


# ---- names that change in one step ----

def text_of(i):
    return f'{i} '.encode() * (i * 53 % 900 + 1)


def is_whole(text):
    return text == text_of(int(text.split()[0]))


def replace(path):
    for i in range(1, N_REPLACED):
        new = path.with_name('new')
        new.write_bytes(text_of(i))
        new.rename(path)


def exchange(path):
    calls = posix_calls.Calls({'d': path.parent})
    path.with_name('other').write_bytes(text_of(77))
    for _ in range(N_REPLACED):
        assert calls.run(f'rename d/{path.name} d/other EXCHANGE') == 'ok'


def look(path):
    """How often it was there, and whole, while it changed."""
    n, end = 0, time.monotonic() + 60
    path.with_name(f'looking-{os.getpid()}').touch()
    while not path.with_name('done').exists():
        assert is_whole(path.read_bytes()) and time.monotonic() < end
        assert path.name in os.listdir(path.parent)
        n += 1
    return n


def then_done(change, path):
    """Change it once somebody looks, and say so when that is over."""
    assert wait_until(lambda: len(list(path.parent.glob('looking-*'))) == N_LOOKING, 60)
    try:
        change(path)
    finally:
        path.with_name('done').touch()


@pytest.mark.parametrize('change', [replace, exchange])
def test_a_name_changes_in_one_step(change, here):
    path = here / 'file'
    path.write_bytes(text_of(0))
    _, *looks = at_once(lambda: then_done(change, path), *[lambda: look(path)] * N_LOOKING)
    assert all(looks), looks


def make_first(folder, who):
    won = []
    for i in range(N_COUNTS):
        try:
            os.close(os.open(folder / f'first-{i}', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            won.append((i, who))
        except FileExistsError:
            pass
    return won


def test_one_alone_makes_a_name(here):
    won = at_once(*[lambda who=who: make_first(here, who) for who in range(N_PROCESSES)])
    assert sorted(i for mine in won for i, _ in mine) == list(range(N_COUNTS))
