# SPDX-License-Identifier: GPL-2.0-or-later
"""bench/soak runs, and sees what it should. How much memory a mount has is not looked at here."""
import re
import subprocess
import sys

import conftest
import mounted
import pytest

sys.path.insert(0, str(conftest.ROOT / 'bench'))
from fsbench import vitals  # noqa: E402 pylint: disable=wrong-import-position

V = vitals.Vitals


def samples(*values):
    """One each second."""
    s = vitals.Samples('x')
    s.taken = [(t, 1, V(rss, 10, 4)) for t, rss in enumerate(values)]
    return s


def test_growth_is_that_of_the_second_half():
    assert samples(*range(1000, 2000, 10)).growth('rss_kib', 100) == (pytest.approx(500), 1750)
    assert samples(*[1] * 50, *[2000] * 50).growth('rss_kib', 100) == (0, 2000)
    assert samples(*[1000, 1100] * 50).growth('rss_kib', 100)[0] == pytest.approx(0, abs=10)
    assert samples(*[1000] * 100).growth('fds', 100) == (0, 10)


def test_another_process_has_a_life_of_its_own():
    s = samples(*range(0, 1000, 10))
    s.taken += [(100 + t, 2, V(5000, 10, 4)) for t in range(10)]
    assert s.growth('rss_kib', 100) == (0, 5000)


@pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')
def test_a_moment_of_a_day(tmp_path):
    done = subprocess.run(
        [conftest.ROOT / 'bench' / 'soak', '--seconds', '5', '--part', '0.003', '--stories', '200',
         '--restarts', '2', '--history', '20', '--no-verdict-on-growth', '--storyfs', conftest.BIN, '--dir', tmp_path],
        capture_output=True, text=True, check=False, timeout=4 * conftest.DEADLINE,
        env=conftest.clean_env(), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.findall(r'^(\S.*?) +(\d+) done', done.stdout, re.M)
    assert len(told) > 10 and all(int(n) > 0 for _, n in told), done.stdout
    assert 'FAILED' not in done.stdout and list(tmp_path.iterdir()) == []
