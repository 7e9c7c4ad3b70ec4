# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount that is only read: the kernel neither opens nor closes its files, and shows what is true."""
import errno
import mmap
import os
import re
import subprocess

import pytest

import conftest
from mounted import Mounts, can_mount
from mounts import wait_until

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
STORY = 'projects/99/stories/555'
TEXTS = ['x' * 40, 'y' * 40, 'longer ' * 2000, 'z', '', 'w' * 40]


@pytest.fixture(scope='module')
def world(tmp_path_factory, star_archive):
    tmp = tmp_path_factory.mktemp('ro')
    archive = tmp / 'a.db'
    archive.write_bytes(star_archive.read_bytes())
    token = conftest.storyfs('user', 'token', archive).stdout.strip()
    server = conftest.Server(archive, log=tmp / 'requests.log')
    server.token = token
    mounts = Mounts(tmp)
    try:
        yield server, mounts(server.url, '--refresh', '1', '-o', 'ro', '-d', token=token)
    finally:
        mounts.finish()
        assert server.stop() == 0


def describe(server, text):
    answer = server.request('PUT', f'/{STORY}', {'description': text or None})
    assert answer.status == 200, answer.body


def operations(m):
    """{name: how often the kernel asked for it}"""
    counts = {}
    for name in re.findall(r'opcode: (\w+)', m.said()):
        if name != 'IOCTL':  # python asks each file whether it is a terminal
            counts[name] = counts.get(name, 0) + 1
    return counts


def test_reading_again_asks_for_nothing(world):
    _, m = world
    files = [m / STORY / f for f in ('name', 'description', 'estimate', 'story_type')]
    for f in files:
        f.read_bytes()
    before = operations(m)
    assert before.get('OPEN', 0) <= 1 and before.get('FLUSH', 0) <= 1
    for _ in range(50):
        for f in files:
            f.read_bytes()
    assert operations(m) == before


def test_a_foreign_change_is_seen_by_every_way_of_reading(world):
    server, m = world
    path = m / STORY / 'description'
    with open(path, 'rb') as opened:
        for text in TEXTS:
            describe(server, text)
            whole = (text + '\n').encode() if text else b''
            assert wait_until(lambda: path.stat().st_size == len(whole) and path.read_bytes() == whole), text[:20]
            assert os.pread(opened.fileno(), 1 << 20, 0) == whole
            if whole:
                with mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                    assert bytes(mapped) == whole


def test_tail_follows(world):
    server, m = world
    describe(server, 'one')
    path = m / STORY / 'description'
    assert wait_until(lambda: path.read_text() == 'one\n')
    with subprocess.Popen(['tail', '-c', '+1', '-f', '-s', '0.1', path], stdout=subprocess.PIPE) as tail:
        try:
            assert tail.stdout.readline() == b'one\n'
            describe(server, 'one\ntwo')
            assert tail.stdout.readline() == b'two\n'
        finally:
            tail.kill()


def test_what_changes_all_the_time_is_never_old(world):
    server, m = world
    list(os.scandir(m / 'projects/99/epics'))
    for name in ('errors', 'journal', 'last'):
        (m / '.storyfs' / name).read_text()
    path = m / '.storyfs/status'
    assert wait_until(lambda: 'looked_at: 2' in path.read_text())
    # It tells the time of the last look, and there is one each second.
    before = path.read_text()
    assert wait_until(lambda: path.read_text() != before)
    text = path.read_text()
    assert text.startswith('refresh: 1\nlooked_at: ') and len(text) == path.stat().st_size
    assert 'failing' not in text


def test_nothing_is_written(world):
    server, m = world
    before = len(server.log())
    acts = [lambda: (m / STORY / 'name').write_text('x'), lambda: (m / STORY / 'new').touch(),
            lambda: os.mkdir(m / 'projects/99/stories/Title'), lambda: os.rmdir(m / STORY),
            lambda: os.truncate(m / STORY / 'name', 0), lambda: os.chmod(m / STORY / 'name', 0o600),
            lambda: os.rename(m / STORY / 'name', m / STORY / 'other'),
            lambda: os.unlink(m / STORY / 'name'), lambda: os.symlink('a', m / STORY / 'b')]
    for i, act in enumerate(acts):
        with pytest.raises(OSError) as e:
            act()
        assert e.value.errno == errno.EROFS, i
    assert all(line['method'] == 'GET' for line in server.log()[before:])
