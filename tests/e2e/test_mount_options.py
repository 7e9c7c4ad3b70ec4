# SPDX-License-Identifier: GPL-2.0-or-later
"""Mount options as users of sshfs give them, and lines of fstab: who may do what, and what the kernel
is told."""
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

import conftest
import mounted
from mounts import is_mounted, wait_until

NOBODY = 65534
P = 'projects/99'

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')
as_root = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')


@pytest.fixture
def folder(star_archive):
    """Where everybody may look, with an archive."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='storyfs-options-'))
    path.chmod(0o755)
    shutil.copy(star_archive, path / 'a.db')
    (path / 'mnt').mkdir()
    yield path
    mounted.unmount(path / 'mnt')
    shutil.rmtree(path)


@pytest.fixture
def start(folder):
    """Mounts the archive, in the foreground."""
    mounts = []

    def mount(options):
        mounts.append(mounted.Mount(folder / 'a.db', folder / 'mnt', '-o', options))
        return mounts[-1]

    yield mount
    for m in mounts:
        if m.process.poll() is None:
            assert m.stop() == 0, m.errors.name


def run(mount, command, uid=None):
    """A shell command in the mount, by somebody; what it printed, or what was wrong."""
    who = {'user': uid, 'group': uid, 'extra_groups': []} if uid else {}
    done = subprocess.run(['sh', '-ec', command], cwd=mount.path, text=True, check=False,
                          capture_output=True, timeout=conftest.DEADLINE, **who)
    return done.stdout if done.returncode == 0 else f'failed: {done.stderr}'


# ---- who may do what ----

# All that can be done by saving, making, moving and removing.
ACTS = [
    f'echo Renamed > {P}/stories/555/name && cat {P}/stories/555/name',
    f'sed -i s/droids/lids/ {P}/stories/555/description && cat {P}/stories/555/description',
    f'mkdir {P}/stories/Made && cat {P}/stories/Made/name && rmdir {P}/stories/Made',
    f'mkdir {P}/labels/made && rmdir {P}/labels/made',
    f'mkdir {P}/search/droids && rmdir {P}/search/droids',
    f'echo "# Written" > {P}/markdown/written.md && cat {P}/markdown/written.md',
    f'echo Well. > {P}/stories/555/comments/new && rmdir {P}/stories/555/comments/[0-9]*',
    f'echo One > {P}/stories/555/tasks/new && rmdir {P}/stories/555/tasks/[0-9]*',
    f'echo Two > {P}/stories/555/blockers/new && rmdir {P}/stories/555/blockers/[0-9]*',
    f'mv {P}/by-state/unscheduled/*-556-* {P}/by-state/unstarted/ && cat {P}/stories/556/current_state',
    f'mv {P}/by-type/bug/*-556-* {P}/by-type/chore/ && cat {P}/stories/556/story_type',
    f'mv {P}/panels/*/*-556-* {P}/panels/icebox/ && cat {P}/stories/556/current_state',
    f'cd {P}/panels/icebox && mv *-556-* 1-556-x && ls',
    f'mv {P}/by-label/rnd/*-555-* {P}/by-label/rnd2/ && cat {P}/stories/555/labels',
    f'echo x > /dev/shm/$$ && mv /dev/shm/$$ {P}/stories/555/attachments/x && '
    f'ls {P}/stories/555/attachments && rmdir {P}/attachments/[0-9]*',
    'echo 9 > .storyfs/deletes',
]


def acted(mount, uid=None):
    return [run(mount, act, uid) for act in [f'mkdir {P}/labels/rnd2', *ACTS]]


@as_root
def test_the_owner_can_do_what_root_can(start, folder, star_archive):
    """The modes say so, and the kernel goes by them."""
    mount = start('umask=022')
    by_root = acted(mount)
    assert not [line for line in by_root if line.startswith('failed')]
    assert mount.stop() == 0
    shutil.copy(star_archive, folder / 'a.db')
    mount = start(f'umask=022,allow_other,uid={NOBODY},gid={NOBODY}')
    assert acted(mount, NOBODY) == by_root


@as_root
@pytest.mark.parametrize('options', ['allow_other', 'allow_other,default_permissions'])
def test_others_may_do_what_the_modes_say(start, options):
    mount = start(f'umask=027,{options},gid=12')
    name = mount / P / 'stories/555/name'
    done = run(mount, f'cat {name}', NOBODY)
    assert 'Permission denied' in done
    assert mount.stop() == 0
    mount = start(f'umask=022,{options}')
    assert run(mount, f'cat {name}', NOBODY) == 'Bring me the passengers\n'
    for act in ACTS:
        assert run(mount, act, NOBODY).startswith('failed'), act
    assert run(mount, f'cat {name}', NOBODY) == 'Bring me the passengers\n'
    assert run(mount, f'ls {P}/stories {P}/labels', NOBODY) == run(mount, f'ls {P}/stories {P}/labels')


@as_root
def test_others_are_not_let_in_unasked(start):
    mount = start('umask=000')
    for command in (f'ls {mount.path}', f'cat {mount / P}/name'):
        assert 'Permission denied' in run(mount, command, NOBODY)
