# SPDX-License-Identifier: GPL-2.0-or-later
"""Mount options as users of sshfs give them, and lines of fstab: who may do what, and what the kernel
is told."""
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


def is_removed(path):
    """Whoever served a mount in it may still be about to end."""
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


@pytest.fixture
def folder(star_archive):
    """Where everybody may look, with an archive."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='storyfs-options-'))
    path.chmod(0o755)
    shutil.copy(star_archive, path / 'a.db')
    (path / 'mnt').mkdir()
    yield path
    mounted.unmount(path / 'mnt')
    assert wait_until(lambda: is_removed(path))


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


REMOVALS = [
    'rm -rf {}', 'find {} -delete',
    'python3 -c "import shutil; shutil.rmtree(\'{}\', ignore_errors=True)"',
]


@as_root
@pytest.mark.parametrize('command', REMOVALS)
def test_rm_r_by_others_deletes_nothing_upstream(start, command):
    """Also where the kernel does not even ask whether a file may go."""
    options = f'umask=022,allow_other,uid={NOBODY},gid={NOBODY}'
    mount = start(options)
    run(mount, f'echo Well. > {P}/stories/555/comments/new; echo One > {P}/stories/555/tasks/new; '
               f'echo x > /dev/shm/$$; mv /dev/shm/$$ {P}/stories/555/attachments/x')
    before = run(mount, 'find projects my workspaces | sort')
    assert '/attachments/' in before and '/tasks/' in before
    for what in (f'{P}/attachments', f'{P}/stories/555', P, 'projects', './*'):
        run(mount, command.format(what), NOBODY)
    assert mount.stop() == 0
    assert run(start(options), 'find projects my workspaces | sort') == before


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


# ---- what the kernel is told ----

PLAIN = {'rw', 'nosuid', 'nodev', 'relatime'}
# In fstab's list; then what is shown of it, beside what always is, and what is not.
FLAGS = [
    ('rw', {'rw'}, {'ro', 'allow_other', 'default_permissions', 'noexec'}),
    ('ro', {'ro'}, {'rw'}),
    ('ro,noatime', {'ro', 'noatime'}, {'relatime'}),
    ('noexec,noatime', {'rw', 'noexec', 'noatime'}, set()),
    ('default_permissions', {'default_permissions'}, {'allow_other'}),
    ('sync,dirsync,suid,dev', PLAIN, {'sync', 'dirsync', 'suid', 'dev'}),
    ('defaults,_netdev,nofail,noauto,users,comment=ours', PLAIN, set()),
    ('x-systemd.automount,x-systemd.idle-timeout=60,x-systemd.requires=network.target,x-gvfs-hide',
     PLAIN, set()),
    ('X-mount.mkdir=0755,nodiratime,fsname=other,subtype=other', PLAIN, set()),
]


def shown(path):
    """The words that /proc has of the mount, and its type and source."""
    with open('/proc/self/mountinfo', encoding='utf-8') as lines:
        for line in lines:
            words = line.split()
            if words[4] == str(path):
                kind, source, more = words[words.index('-') + 1:]
                return {*words[5].split(','), *more.split(',')}, kind, source
    return set(), None, None


@pytest.mark.parametrize('options,there,absent', FLAGS, ids=[row[0] for row in FLAGS])
def test_flags(options, there, absent, folder):
    done = conftest.storyfs(folder / 'a.db', folder / 'mnt', '-o', options)
    assert done.returncode == 0, done.stderr
    words, kind, source = shown(folder / 'mnt')
    assert there <= words and not absent & words, words
    assert (kind, source) == ('fuse.storyfs', str(folder / 'a.db'))
    assert (folder / 'mnt' / P / 'name').read_text() == 'Death Star\n'
    assert conftest.storyfs('umount', folder / 'mnt').returncode == 0


def test_nothing_is_run_with_noexec(start):
    for options, works in [('umask=022', True), ('umask=022,noexec', False)]:
        mount = start(options)
        script = mount / P / 'stories/555/script'
        script.write_text('#!/bin/sh\necho run\n')
        script.chmod(0o755)
        assert (run(mount, str(script)) == 'run\n') == works
        assert mount.stop() == 0


def about(pid):
    """The process's name, its state and its parent; None when there is no such process."""
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text('utf-8')
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, _, rest = text.partition('(')[2].rpartition(')')
    state, parent = rest.split()[:2]
    return name, state, int(parent)


def guards(pid):
    """Who guards the mount of the process."""
    found = {int(path.name): about(path.name) for path in pathlib.Path('/proc').glob('[0-9]*')}
    return [one for one, what in found.items() if what and (what[0], what[2]) == ('mount-guard', pid)]


def is_running(pid):
    """Also not when nobody has asked yet how it ended."""
    what = about(pid)
    return what is not None and what[1] != 'Z'


def test_auto_unmount_takes_the_mount_of_a_killed_process_away(start, folder):
    for _ in range(3):
        mount = start('auto_unmount')
        assert 'projects' in os.listdir(mount.path) and os.listdir(mount / 'projects') == ['99']
        (guard,) = guards(mount.process.pid)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(guard, number)
        with open(mount / P / 'name', encoding='utf-8') as f:  # busy
            mount.process.send_signal(signal.SIGKILL)
            mount.process.wait(conftest.DEADLINE)
            assert wait_until(lambda: not is_mounted(mount.path), conftest.DEADLINE)
            assert os.listdir(folder / 'mnt') == []
            with pytest.raises(OSError):
                os.fsync(f.fileno())
        assert wait_until(lambda pid=guard: not is_running(pid), conftest.DEADLINE)


@pytest.mark.parametrize('number', [signal.SIGTERM, None])
def test_a_guard_ends_with_its_mount(start, number):
    mount = start('auto_unmount')
    (guard,) = guards(mount.process.pid)
    if number:
        mount.process.send_signal(number)
        assert mount.process.wait(conftest.DEADLINE) == 0
    else:
        os.kill(guard, signal.SIGKILL)
        assert mount.stop() == 0
    assert not is_running(guard) and not is_mounted(mount.path)


def test_a_mount_that_fails_has_no_guard(folder):
    done = conftest.storyfs('mount', '-o', 'auto_unmount', 'http://127.0.0.1:1/services/v5',
                            folder / 'mnt')
    assert done.returncode == 1 and 'refused the connection' in done.stderr
    done = conftest.storyfs('mount', '-o', 'auto_unmount', folder / 'a.db', folder / 'mnt')
    assert (done.returncode, done.stderr) == (0, '') and is_mounted(folder / 'mnt')
    assert conftest.storyfs('umount', folder / 'mnt').returncode == 0


@pytest.mark.parametrize('options', ['reconnect', 'ServerAliveInterval=15', 'idmap=user', 'allow_root'])
def test_what_is_no_option_is_said(options, folder):
    """A line for sshfs has some of its own."""
    done = conftest.storyfs(folder / 'a.db', folder / 'mnt', '-o', f'ro,{options}')
    name = options.partition('=')[0]
    assert done.returncode == 2 and f'mount has no option --{name}' in done.stderr
    assert not is_mounted(folder / 'mnt')


FSTAB = '''
{folder}/a.db {folder}/mnt storyfs ro,noauto,nofail,_netdev,x-systemd.automount,umask=027,gid=12 0 0
'''

# In a place of its own, where /sbin/mount.storyfs is the program.
AS_INSTALLED = '''
mount --make-rprivate /
mount -t overlay overlay -o lowerdir={folder}/sbin:/usr/sbin /usr/sbin
test -x /sbin/mount.storyfs
{command}
stat -c '%a %g' {folder}/mnt/projects/99/name
cat {folder}/mnt/projects/99/name
findmnt -n -o FSTYPE,SOURCE {folder}/mnt
umount {folder}/mnt
! mountpoint -q {folder}/mnt
'''


@as_root
@pytest.mark.parametrize('command', [
    'mount -T {folder}/fstab {folder}/mnt',
    'mount -T {folder}/fstab {folder}/a.db',
    'mount -t storyfs -o ro,umask=027,gid=12 {folder}/a.db {folder}/mnt',
    'PATH={folder}/bin:$PATH mount.fuse {folder}/a.db {folder}/mnt -t fuse.storyfs '
    '-o ro,umask=027,gid=12',
])
def test_mount_8(command, folder):
    for place, name in [('sbin', 'mount.storyfs'), ('bin', 'storyfs')]:
        (folder / place).mkdir()
        (folder / place / name).symlink_to(os.path.abspath(conftest.BIN))
    (folder / 'fstab').write_text(FSTAB.format(folder=folder))
    script = AS_INSTALLED.format(command=command, folder=folder).format(folder=folder)
    done = subprocess.run(['unshare', '--mount', 'sh', '-euc', script], text=True, check=False,
                          capture_output=True, timeout=conftest.DEADLINE, env=conftest.clean_env())
    if 'overlay' in done.stderr:
        pytest.skip('no overlays here')
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'440 12\nDeath Star\nfuse.storyfs {folder}/a.db\n'


# As AS_INSTALLED, with a line of fstab for a user, and a device that users may open.
BY_USER = '''
mount --make-rprivate /
mount -t overlay overlay -o lowerdir={folder}/sbin:/usr/sbin /usr/sbin
mount --bind {folder}/fstab /etc/fstab
mount -t tmpfs tmpfs /mnt
mknod -m 666 /mnt/fuse c 10 229
mount --bind /mnt/fuse /dev/fuse
runuser -u nobody -- mount {folder}/ada/mnt
runuser -u nobody -- cat {folder}/ada/mnt/me/username
findmnt -n -o FSTYPE,SOURCE {folder}/ada/mnt
runuser -u nobody -- umount {folder}/ada/mnt
! mountpoint -q {folder}/ada/mnt
'''


@as_root
def test_a_user_mounts_what_fstab_lets_users_mount(folder):
    (folder / 'sbin').mkdir()
    (folder / 'sbin/mount.storyfs').symlink_to(os.path.abspath(conftest.BIN))
    (folder / 'ada/mnt').mkdir(parents=True)
    shutil.copy(folder / 'a.db', folder / 'ada')
    for path in (folder / 'ada', folder / 'ada/mnt', folder / 'ada/a.db'):
        os.chown(path, NOBODY, NOBODY)
    (folder / 'fstab').write_text(f'{folder}/ada/a.db {folder}/ada/mnt storyfs noauto,user 0 0\n')
    done = subprocess.run(['unshare', '--mount', 'sh', '-euc', BY_USER.format(folder=folder)], text=True, check=False,
                          capture_output=True, timeout=conftest.DEADLINE, env={**conftest.clean_env(), 'HOME': '/'})
    if 'overlay' in done.stderr or 'mknod' in done.stderr:
        pytest.skip('no overlays or devices here')
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'palpatine\nfuse.storyfs {folder}/ada/a.db\n'
