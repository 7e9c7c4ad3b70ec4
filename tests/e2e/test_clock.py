# SPDX-License-Identifier: GPL-2.0-or-later
"""A clock that is set while a mount lives: it goes on to look, and every change moves its mtime."""
import calendar
import os
import re
import subprocess
import time

import pytest

import conftest
from conftest import DEADLINE
from mounted import Mounts, can_mount
from mounts import wait_until
from test_badhost import STORY, save, times_written

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
DAY_S = 86_400


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """The file that says by how many seconds the mount's clock is off."""
    shim, offset = tmp_path / 'clock.so', tmp_path / 'offset'
    source = conftest.ROOT / 'tests' / 'e2e' / 'clock_shim.c'
    subprocess.run(['cc', '-shared', '-fPIC', '-o', shim, source], check=True, timeout=DEADLINE)
    offset.write_text('0\n')
    clean = conftest.clean_env
    monkeypatch.setattr(conftest, 'clean_env', lambda: {
        **clean(), 'LD_PRELOAD': str(shim), 'CLOCK_OFFSET_FILE': str(offset),
        'ASAN_OPTIONS': f'{os.environ.get("ASAN_OPTIONS", "")}:verify_asan_link_order=0'})
    return offset


def looked_at(m):
    """In seconds; 0: never."""
    found = re.search(r'^looked_at: (2.{18})', (m / '.storyfs/status').read_text(), re.M)
    return calendar.timegm(time.strptime(found[1], '%Y-%m-%dT%H:%M:%S')) if found else 0


def has_looked(m, off):
    """By its own clock."""
    return wait_until(lambda: abs(looked_at(m) - time.time() - off) < DEADLINE)


def shows(m, text):
    return wait_until(lambda: (m / STORY / 'description').read_text() == f'{text}\n')


def test_a_clock_that_is_set(server, clock, tmp_path):
    """To the day after, and to the year before."""
    mounts = Mounts(tmp_path)
    m = mounts(server.url, '--refresh=1', token=server.token)
    assert (m / STORY / 'description').read_text()
    mtimes = []
    for seconds in (0, DAY_S, -365 * DAY_S, 0):
        clock.write_text(f'{seconds}\n')
        text = f'off by {seconds}, {len(mtimes)}'
        assert server.request('PUT', f'/{STORY}', {'description': text}).status == 200
        assert shows(m, text)
        mtimes.append(os.stat(m / STORY / 'description').st_mtime_ns)
        assert has_looked(m, seconds)
        assert save(m / STORY / 'name', text) == 0 and times_written(server, text) == 1
    assert len(set(mtimes)) == len(mtimes), mtimes
    mounts.finish()
