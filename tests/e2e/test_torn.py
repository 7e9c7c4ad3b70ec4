# SPDX-License-Identifier: GPL-2.0-or-later
"""Whoever reads while others change a text sees one text or the other, whole.

The kernel asks for a size and for a text one after the other, and a change may come between the two, so
that a look in a hundred thousand is forgiven. test_stale looks into mappings.

STORYFS_TORN_SECONDS is how long (60 for a measurement, and `-s` prints how many looks there were).
"""
import json
import os
import pathlib
import subprocess
import time

import pytest

import conftest
from mounted import Mounts, can_mount
from mounts import wait_until

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
SECONDS = float(os.environ.get('STORYFS_TORN_SECONDS', '3'))
READER = pathlib.Path(__file__).with_name('torn_reader.py')
SIZES = (30, 500, 4000, 5000, 9000, 14000)
WAYS = ('pread', 'open')
N, FIRST = 8, 700


def make_text(serial):
    """It tells its number and its length, and is of one letter."""
    size = SIZES[serial % len(SIZES)]
    return f'{serial:08d} {size:06d} ' + 'abcdefghijklmnopqrstuvwxyz'[serial % 26] * size


@pytest.fixture
def world(tmp_path):
    stories = [{**conftest.STAR['story'][0], 'id': FIRST + i, 'url': f'http://localhost/{i}',
                'description': make_text(i)} for i in range(N)]
    dump = conftest.write_dump(tmp_path / 'dump', {**conftest.STAR, 'story': stories})
    assert conftest.storyfs('import', dump, tmp_path / 'a.db', '--owner', 'palpatine').returncode == 0
    server = conftest.Server(tmp_path / 'a.db')
    server.token = conftest.storyfs('user', 'token', tmp_path / 'a.db').stdout.strip()
    mounts = Mounts(tmp_path)
    try:
        yield server, lambda *options: mounts(tmp_path / 'a.db', *options)
    finally:
        mounts.finish()
        assert server.stop() == 0


def change_all(server, serial, connection):
    for i in range(N):
        answer = server.request('PUT', f'/projects/99/stories/{FIRST + i}',
                                {'description': make_text(serial + i)}, connection=connection)
        assert answer.status == 200, answer.body


@pytest.mark.parametrize('options', [(), ('-o', 'ro')], ids=['rw', 'ro'])
def test_no_text_is_cut_or_mixed(world, options):
    server, mount = world
    m = mount(*options)
    paths = [str(m / f'projects/99/stories/{FIRST + i}/description') for i in range(N)]
    readers = [subprocess.Popen(['/usr/bin/python3', READER, way, *paths], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True) for way in WAYS]
    connection, serial, end = server.connect(), N, time.monotonic() + SECONDS
    while time.monotonic() < end:
        change_all(server, serial, connection)
        serial += N
    said = [reader.communicate('', timeout=conftest.DEADLINE)[0] for reader in readers]
    for way, reader, told in zip(WAYS, readers, said):
        looks, changes, n_wrong, wrong = json.loads(told)
        print(f'{way}: {looks} looks, {changes} other texts, {n_wrong} not whole {wrong}')
        assert reader.returncode == 0 and changes > N
        assert n_wrong <= 4 + looks // 50000, wrong
    for i, path in enumerate(paths):
        whole = make_text(serial - N + i) + '\n'
        assert wait_until(lambda: pathlib.Path(path).read_text(encoding='ascii') == whole), path
