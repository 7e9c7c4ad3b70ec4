# SPDX-License-Identifier: GPL-2.0-or-later
"""Scratch files are files: every system call of the tables (posix/*.table) does in the mount what
the table says, and on ext4 what the table says of ext4."""
import os

import pytest

import mounted
import posix_places
import posix_table

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

ROWS = posix_table.rows()


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


@pytest.mark.parametrize('row', ROWS, ids=[row.title for row in ROWS])
def test_calls(row, places):
    if row.needs_root and os.geteuid() != 0:
        pytest.skip('needs root')
    wrong, state = row.run(places.here, in_mount=True)
    assert not wrong, '\n'.join(['in the mount:', *wrong])
    if not places.is_on_ext4():
        return
    wrong, others = row.run(places.elsewhere, in_mount=False)
    assert not wrong, '\n'.join(['on ext4:', *wrong])
    assert state == others or not row.is_alike()
