# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs status`: mounts that are well, that are not, and that never answer."""
import json
import os
import signal
import subprocess

import pytest

import conftest
import mounted
from conftest import storyfs
from mounts import is_mounted, unmount, wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='there is no /dev/fuse')
STORY = 'projects/99/stories/555'


@pytest.fixture
def mounts(tmp_path):
    m = mounted.Mounts(tmp_path)
    yield m
    m.finish()


def status(*words):
    """The exit status and the objects."""
    done = storyfs('status', '--json', *words)
    assert done.stderr == ''
    return done.returncode, json.loads(done.stdout)


def test_a_mount_that_is_well(server, mounts, tmp_path):
    m = mounts(server.url, '--refresh=1', token=server.token)
    assert (m / STORY / 'name').read_text() == 'Bring me the passengers\n'
    assert wait_until(lambda: 'looked_at: 20' in (m / '.storyfs/status').read_text())
    code, (told,) = status(m.path)
    assert code == 0
    facts = told.pop('status')
    assert told == {'mountpoint': str(m.path), 'source': server.url, 'state': 'alive', 'well': True, 'next': []}
    assert facts['refresh'] == 1 and facts['looked_at'].startswith('20')
    assert {k: facts[k] for k in ('refused', 'conflicts', 'unsaved')} == {'refused': 0, 'conflicts': 0, 'unsaved': 0}
    assert facts['cache'].startswith('/')
    done = storyfs('status', m.path)
    assert (done.returncode, done.stderr) == (0, '')
    lines = done.stdout.splitlines()
    assert lines[:2] == [f'{m.path}: alive', f'  source: {server.url}'] and '  refused: 0' in lines
    assert server.token not in done.stdout
    in_mount = (m / '.storyfs/status').read_text().splitlines()
    def steady(told):
        return [line.strip() for line in told if 'looked_at' not in line]
    assert steady(lines[2:]) == steady(in_mount) + ['unsaved: 0']
    # A path in it, and a link to it.
    (tmp_path / 'link').symlink_to(m / STORY)
    for path in (m / STORY, tmp_path / 'link', f'{m.path}/'):
        assert storyfs('status', path).stdout.splitlines()[0] == f'{m.path}: alive'


def test_what_is_not_saved_is_told(archive, mounts):
    m = mounts(archive)
    with open(m / STORY / 'name', 'a', encoding='utf-8') as f:
        f.write('more')
        f.flush()
        assert status(m.path)[1][0]['status']['unsaved'] == 1
    assert status(m.path)[1][0]['status']['unsaved'] == 0
    with pytest.raises(OSError):
        (m / STORY / 'estimate').write_text('seven\n')
    with pytest.raises(OSError):
        (m / 'projects/99/stories/556/story_type').write_text('poem\n')
    code, (told,) = status(m.path)
    assert code == 1 and (told['state'], told['well']) == ('alive', False)
    assert told['status']['refused'] == 2
    last = told['status']['last_refusal']
    assert last.startswith('projects/99/stories/556/story_type: not saved (Invalid argument), 20')
    assert told['next'] == ['.storyfs/errors there says what was refused, and why']
    assert f'  next: {told["next"][0]}\n' in storyfs('status', m.path).stdout
    (m / STORY / 'estimate').write_text('3\n')
    (m / 'projects/99/stories/556/story_type').write_text('chore\n')
    code, (told,) = status(m.path)
    assert code == 0
    assert told['status']['refused'] == 0 and 'last_refusal' not in told['status']


def test_a_conflict_is_told(server, mounts):
    m = mounts(server.url, '--refresh=0', token=server.token)
    assert (m / STORY / 'name').read_text()
    assert server.request('PUT', f'/{STORY}', {'name': 'theirs'}).status == 200
    with pytest.raises(OSError):
        (m / STORY / 'name').write_text('mine\n')
    code, (told,) = status(m.path)
    assert code == 1 and told['status']['conflicts'] == 1
    assert any('resolve' in line for line in told['next'])


def test_a_host_that_went_away_is_told(server, mounts):
    m = mounts(server.url, '--refresh=1', token=server.token)
    assert os.listdir(m / 'projects') == ['99']
    server.stop()
    assert wait_until(lambda: status(m.path)[0] == 1)
    (told,) = status(m.path)[1]
    assert told['state'] == 'alive' and told['status']['host'] == 'does not answer'
    assert told['status']['failing_since'].startswith('20') and told['status']['failure']
    assert told['next'][0].startswith('the host is asked again by itself')


def test_one_is_wedged_and_one_dead(archive, mounts, request):
    stopped, killed = mounts(archive), mounts(archive)
    request.addfinalizer(lambda: unmount(killed.path))
    stopped.process.send_signal(signal.SIGSTOP)
    try:
        killed.process.kill()
        killed.process.wait(timeout=conftest.DEADLINE)
        umount = subprocess.Popen([conftest.BIN, 'umount', stopped.path], stderr=subprocess.PIPE, text=True,
                                  env=conftest.clean_env())
        # It ends although what asks may not, and whoever reads what it prints is told the end.
        code, told = status()
        told = {t['mountpoint']: t for t in told}
        assert code == 1
        wedged, dead = told[str(stopped.path)], told[str(killed.path)]
        assert (wedged['state'], wedged['well'], wedged['status']) == ('wedged', False, {})
        assert f"fusermount3 -uz '{stopped.path}'" in wedged['next'][0]
        assert (dead['state'], dead['well'], dead['status']) == ('dead', False, {})
        assert dead['next'][0].endswith(f"storyfs umount '{killed.path}'")
        _, said = umount.communicate(timeout=conftest.DEADLINE)
        assert umount.returncode == 1 and f"fusermount3 -uz '{stopped.path}'" in said
    finally:
        stopped.process.send_signal(signal.SIGCONT)
    assert storyfs('status', stopped.path).returncode == 0
    assert storyfs('status', killed.path).stdout.startswith(f'{killed.path}: dead\n')
    assert storyfs('umount', killed.path).returncode == 0 and not is_mounted(killed.path)


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_what_another_user_mounted_is_no_fault(archive, mounts):
    m = mounts(archive)
    done = subprocess.run([conftest.BIN, 'status', '--json', m.path], capture_output=True, text=True, check=False,
                          timeout=conftest.DEADLINE, env=conftest.clean_env(), user=65534, group=65534,
                          extra_groups=[])
    assert (done.returncode, done.stderr) == (0, '')
    (told,) = json.loads(done.stdout)
    assert (told['state'], told['well'], told['status']) == ('foreign', True, {})


def test_what_is_no_mount(tmp_path):
    done = storyfs('status', tmp_path)
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr == (f'storyfs: status: {tmp_path}: no storyfs is mounted there; '
                           'see: findmnt -t fuse.storyfs\n')
    done = storyfs('status', tmp_path / 'none')
    assert (done.returncode, done.stderr) == (1, f'storyfs: status: {tmp_path}/none: No such file or directory\n')
    assert storyfs('status', tmp_path, tmp_path).returncode == 2


def test_an_archive_is_looked_at_all_the_time(archive, mounts):
    m = mounts(archive)
    (m / STORY / 'name').read_text()
    assert 'looked_at: now' in (m / '.storyfs/status').read_text().splitlines()
