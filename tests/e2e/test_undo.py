# SPDX-License-Identifier: GPL-2.0-or-later
"""The journal of a mount, and what `storyfs undo` takes back with it."""
import json
import os
import shutil
import signal
import stat
import subprocess

import pytest

import conftest
from mounted import Mounts, can_mount
from mounts import unmount, wait_until

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
STORY = 'projects/99/stories/555'


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'state'))
    return tmp_path / 'state'


@pytest.fixture
def mount(tmp_path, state):
    mounts = Mounts(tmp_path)
    yield mounts
    mounts.finish()


def undo(*args, **more):
    return subprocess.run([conftest.BIN, 'undo', *map(str, args)], capture_output=True, text=True,
                          timeout=conftest.DEADLINE, check=False, stdin=subprocess.DEVNULL, **more)


def lines(m):
    return [line.split('\t') for line in (m / '.storyfs/journal').read_text().splitlines()]


def wait_for_lines(m, n):
    """What is only emptied is sent after the close."""
    assert wait_until(lambda: len(lines(m)) == n), lines(m)


def test_each_write_is_in_the_journal(archive, mount):
    m = mount(archive)
    assert lines(m) == []
    (m / STORY / 'name').write_text('One\n')
    (m / STORY / 'name').write_text('One\n')  # nothing new: no write
    (m / STORY / 'description').write_text('a\tb\\\nc\n')
    (m / STORY / 'owners').write_text('Emperor Palpatine\n')
    os.mkdir(m / 'projects/99/stories/Made here')
    (m / STORY / 'tasks/new').write_text('x\ny\n')
    made = (m / '.storyfs/journal').read_text()
    rows = lines(m)
    assert [row[1] for row in rows[:6]] == ['save', 'save', 'save', 'make', 'make', 'make'], made
    assert rows[0][2:] == ['ok', f'{STORY}/name', 'Bring me the passengers\\n', 'One\\n']
    assert rows[1][2:] == ['ok', f'{STORY}/description', 'ignore the droids\\n',
                           'a\\tb\\\\\\nc\\n']
    assert rows[2][3] in (f'{STORY}/owner_ids', f'{STORY}/owners')
    assert rows[3][5] == 'Made here'
    assert [row[5] for row in rows[4:6]] == ['x', 'y']
    assert len(rows) == 6, made


def test_the_journal_is_its_owners_alone_and_outlives_the_mount(archive, mount, state):
    m = mount(archive)
    (m / STORY / 'name').write_text('One\n')
    files = list(state.rglob('journal'))
    assert len(files) == 1 and stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert files[0].read_bytes() == (m / '.storyfs/journal').read_bytes() != b''
    before = (m / '.storyfs/journal').read_text()
    m.stop()
    assert (mount(archive) / '.storyfs/journal').read_text() == before


def test_the_last_writes_are_taken_back(archive, mount):
    m = mount(archive)
    name, text = m / STORY / 'name', m / STORY / 'description'
    old, old_text = name.read_text(), text.read_text()
    for new in ('One\n', 'Two\n', 'Three\n'):
        name.write_text(new)
    text.write_text('')
    wait_for_lines(m, 4)
    dry = undo('-n', 2, m.path)
    assert dry.returncode == 0 and dry.stdout.count('would undo: ') == 2, dry
    assert name.read_text() == 'Three\n' and text.read_text() == ''
    done = undo(m.path)
    assert (done.returncode, done.stdout) == (
        0, f'undone: {STORY}/description: (nothing) -> ignore the droids\n'), done
    assert text.read_text() == old_text
    # The next one goes on from there, from wherever in the mount.
    assert undo(cwd=m / STORY).returncode == 0
    assert name.read_text() == 'Two\n'
    assert undo(2, m / STORY).returncode == 0
    assert (name.read_text(), text.read_text()) == (old, old_text)
    last = undo(m.path)
    assert last.returncode == 1 and 'nothing to undo' in last.stderr


def test_a_bare_truncation_is_taken_back(archive, mount):
    m = mount(archive)
    text = m / STORY / 'description'
    old = text.read_text()
    assert m.run(f': > {STORY}/description').returncode == 0
    wait_for_lines(m, 1)
    assert text.read_text() == ''
    assert undo(m.path).returncode == 0
    assert text.read_text() == old
    # And emptying can be what takes a write back.
    estimate = m / 'projects/99/stories/556/description'
    assert estimate.read_text() == ''
    estimate.write_text('new\n')
    assert undo(m.path).returncode == 0
    assert estimate.read_text() == ''


def test_what_somebody_changed_since_is_left(serve, archive, mount):
    server = serve(archive)
    m = mount(server.url, '--refresh', '0', token=server.token)
    (m / STORY / 'name').write_text('Mine\n')
    (m / STORY / 'estimate').write_text('1\n')
    server.request('PUT', f'/{STORY}', {'name': 'Theirs'})
    done = undo(2, m.path)
    assert done.returncode == 1, done
    assert f'undone: {STORY}/estimate: 1 -> 2\n' in done.stdout
    assert f'not undone: {STORY}/name: ' in done.stdout
    story = server.request('GET', f'/{STORY}').json()
    assert (story['name'], story['estimate']) == ('Theirs', 2)


def test_what_was_made_is_deleted_and_what_was_deleted_is_not_made(archive, mount):
    m = mount(archive)
    os.mkdir(m / 'projects/99/stories/Made here')
    made = [row[3] for row in lines(m)][-1]
    assert (m / made / 'name').read_text() == 'Made here\n'
    done = undo('--json', m.path)
    row = json.loads(done.stdout)
    assert done.returncode == 0 and row['undone'] and row['path'] == made, done
    assert not (m / made).exists()
    os.rmdir(m / 'projects/99/stories/556')
    done = undo(m.path)
    assert done.returncode == 1 and 'V5 brings nothing back' in done.stdout, done


def test_undo_after_the_mount_was_killed(archive, mount, state):
    m = mount(archive)
    old = (m / STORY / 'name').read_text()
    (m / STORY / 'name').write_text('One\n')
    (m / STORY / 'estimate').write_text('1\n')
    m.process.send_signal(signal.SIGKILL)
    m.process.wait(conftest.DEADLINE)
    unmount(m.path)
    journal = next(state.rglob('journal'))
    # As if the last line had been cut off.
    with open(journal, 'ab') as f:
        f.write(b'2026-01-01T00:00:00Z\tsave\tok\tprojects/99/stor')
    again = mount(archive)
    assert undo(again.path).returncode == 0
    assert (again / STORY / 'estimate').read_text() == '2\n'
    assert undo(again.path).returncode == 0
    assert (again / STORY / 'name').read_text() == old
    assert len(journal.read_bytes().split(b'\n')) == 2 + 1 + 2 + 1
    again.stop()
    # Lines behind the torn one are read by the next mount.
    last = mount(archive)
    assert [row[1] for row in lines(last) if len(row) == 6] == ['save'] * 4
    assert undo(last.path).returncode == 1


def test_a_place_without_a_mount(tmp_path, state):
    done = undo(tmp_path)
    assert done.returncode == 1 and 'no storyfs is mounted there' in done.stderr
    done = undo('x', tmp_path)
    assert done.returncode == 2
    shutil.rmtree(state, ignore_errors=True)


def test_a_dead_mount_is_said_to_be_dead(archive, mount):
    m = mount(archive)
    m.process.kill()
    m.process.wait(conftest.DEADLINE)
    done = undo(m.path / 'projects/99')
    assert done.returncode == 1 and 'its mount died' in done.stderr and 'storyfs umount' in done.stderr
    unmount(m.path)
