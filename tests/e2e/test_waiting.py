# SPDX-License-Identifier: GPL-2.0-or-later
"""Who waits for the host is in nobody's way: what is known is answered meanwhile, from whichever thread is left."""
import os
import signal
import subprocess

import pytest

import conftest
from badhost import BadHost
from mounted import can_mount
from mounts import is_mounted, wait_until
from test_badhost import STORY
from test_outages import world  # pylint: disable=unused-import

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
N = 12
LATER = 'import os, sys; os.listdir(sys.argv[1])'


@pytest.fixture
def held(world):  # pylint: disable=redefined-outer-name
    """A mount that knows a story, and N who wait for searches that the host holds back."""
    host = BadHost(world.server)
    world.hosts.append(host)
    m = world.mounts(host.url, '--refresh', '3600', '--timeout', '60', token=world.server.token)
    (m / STORY / 'name').read_text()
    os.listdir(m / 'projects/99/search/name:first')  # and with it what all searches need
    host.be('late')
    waiting = [subprocess.Popen(['/usr/bin/python3', '-c', LATER, str(m / f'projects/99/search/name:n{i}')])
               for i in range(N)]
    assert wait_until(lambda: host.n_held == N)
    yield host, m, waiting
    host.be('well')
    for one in waiting:
        one.kill()
        one.wait(conftest.DEADLINE)


def look(path):
    return subprocess.run(['cat', str(path)], timeout=conftest.DEADLINE, capture_output=True, check=True).stdout


def test_what_is_known_is_answered_meanwhile(held):  # pylint: disable=redefined-outer-name
    host, m, waiting = held
    for _ in range(N):
        assert look(m / STORY / 'name') and os.listdir(m / STORY)
    assert host.n_held == N and all(one.poll() is None for one in waiting)
    host.be('well')
    assert [one.wait(conftest.DEADLINE) for one in waiting] == [0] * N


def test_an_interrupt_reaches_one_of_them(held):  # pylint: disable=redefined-outer-name
    host, m, waiting = held
    waiting[0].send_signal(signal.SIGINT)
    assert waiting[0].wait(conftest.DEADLINE) != 0
    assert all(one.poll() is None for one in waiting[1:]) and look(m / STORY / 'name')
    host.be('well')
    assert [one.wait(conftest.DEADLINE) for one in waiting[1:]] == [0] * (N - 1)


def test_a_mount_ends_when_they_are_answered(held):  # pylint: disable=redefined-outer-name
    host, m, waiting = held
    m.process.send_signal(signal.SIGTERM)
    host.be('well')
    assert m.process.wait(conftest.DEADLINE) == 0 and not is_mounted(m)
    for one in waiting:
        one.wait(conftest.DEADLINE)
