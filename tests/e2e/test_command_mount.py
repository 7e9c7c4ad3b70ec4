# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs mount` and `umount` as commands: where the token comes from, what is said when something is
wrong, the forms that mount(8) uses, and that nothing is left behind."""
import os
import pathlib
import signal
import stat
import subprocess

import pytest

import conftest
import mounted
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')


@pytest.fixture
def mnt(tmp_path):
    """A mountpoint that is free again afterwards."""
    path = tmp_path / 'mnt'
    path.mkdir()
    yield path
    mounted.unmount(path)


@pytest.fixture
def remote(archive, serve):
    return serve(archive)


def storyfs(*args, **env):
    full = {**conftest.clean_env(), **{k: str(v) for k, v in env.items()}}
    return conftest.storyfs(*args, env=full)


def daemon_of(path):
    """The process that serves the mount, by its command line."""
    for proc in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            words = (proc / 'cmdline').read_bytes().split(b'\0')
        except OSError:
            continue
        if str(path).encode() in words and b'mount' in words:
            return int(proc.name)
    return None


# ---- the token ----

def write_secret(path, text, mode=0o600):
    path.write_text(text, encoding='utf-8')
    path.chmod(mode)
    return path


def by_command(remote, tmp_path):
    script = write_secret(tmp_path / 'print-token', f'#!/bin/sh\necho {remote.token}\n', 0o700)
    return [f'--token-command={script}'], {}


def by_file(remote, tmp_path):
    return ['--token-file', write_secret(tmp_path / 'token', remote.token + '\n')], {}


def by_credential(remote, tmp_path):
    (tmp_path / 'credentials').mkdir()
    write_secret(tmp_path / 'credentials' / 'token', remote.token)
    return [], {'CREDENTIALS_DIRECTORY': tmp_path / 'credentials'}


def by_environment(remote, _):
    return [], {'STORYFS_TOKEN': remote.token}


def by_config(remote, tmp_path):
    (tmp_path / 'storyfs').mkdir()
    write_secret(tmp_path / 'storyfs' / 'config', f'# ours\ntoken = {remote.token}\n')
    return [], {'XDG_CONFIG_HOME': tmp_path}


@pytest.mark.parametrize('how', [by_command, by_file, by_credential, by_environment, by_config])
def test_the_token_comes_from(how, remote, tmp_path):
    options, env = how(remote, tmp_path)
    done = storyfs('cat', *options, remote.url, 'me/username', **env)
    assert (done.returncode, done.stdout) == (0, 'palpatine\n'), done.stderr
    assert remote.token not in done.stderr


def test_what_is_said_first_is_asked_first(remote, tmp_path):
    options, _ = by_command(remote, tmp_path)
    done = storyfs('cat', *options, remote.url, 'me/id', STORYFS_TOKEN='0' * 32)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('how,options,text', [
    ('none', [], 'Invalid authentication credentials were presented.'),
    ('wrong', [], 'Verify that your token value matches'),
    ('command fails', ['--token-command=exit 3'], 'token_command failed'),
    ('command says nothing fit', ['--token-command=printf "a b"'], 'no token'),
    ('file missing', ['--token-file=/nonexistent/token'], '/nonexistent/token: No such file'),
])
def test_without_a_good_token_there_is_no_mount(how, options, text, remote, mnt):
    env = {'STORYFS_TOKEN': 'f' * 32} if how == 'wrong' else {}
    done = storyfs('mount', *options, remote.url, mnt, **env)
    assert done.returncode == 1
    assert text in done.stderr, done.stderr
    assert not mounted.is_mounted(mnt) and daemon_of(mnt) is None


def test_a_token_that_others_can_read_is_not_used(remote, tmp_path):
    path = write_secret(tmp_path / 'token', remote.token, 0o644)
    done = storyfs('cat', '--token-file', path, remote.url, 'me/id')
    assert done.returncode == 1 and f'chmod 600 {path}' in done.stderr
    by_config(remote, tmp_path)
    (tmp_path / 'storyfs' / 'config').chmod(0o640)
    done = storyfs('cat', remote.url, 'me/id', XDG_CONFIG_HOME=tmp_path)
    assert done.returncode == 2 and 'chmod 600' in done.stderr
    assert remote.token not in done.stderr


def test_a_token_is_not_taken_from_the_command_line(remote):
    for words in (['--token', remote.token], [f'-otoken={remote.token}']):
        done = storyfs('cat', remote.url, 'me/id', *words)
        assert done.returncode == 2 and 'never taken from the command line' in done.stderr


def test_a_token_that_is_replaced_is_asked_for_again(archive, remote, tmp_path, mnt):
    path = write_secret(tmp_path / 'token', remote.token)
    m = mounted.Mount(remote.url, mnt, '--refresh=0', f'--token-file={path}')
    assert os.listdir(m / 'projects') == ['99']
    # The next answer to the old token is a refusal: the archive forgets it.
    fresh = conftest.storyfs('user', 'token', archive).stdout.strip()
    subprocess.run(['/usr/bin/python3', '-c', f'''
import hashlib, sqlite3
db = sqlite3.connect({str(archive)!r}, timeout=30)
n = db.execute("DELETE FROM token WHERE sha256 = ?",
               (hashlib.sha256({remote.token!r}.encode()).hexdigest(),)).rowcount
db.commit()
assert n == 1
'''], check=True, timeout=60)
    write_secret(path, fresh)
    (m / 'projects/99/stories/555/name').write_text('Renamed\n')
    assert (m / 'projects/99/stories/555/name').read_text() == 'Renamed\n'
    assert m.stop() == 0


# ---- the command ----

def test_it_returns_when_the_mount_answers_and_goes_with_umount(archive, mnt):
    done = storyfs('mount', archive, mnt)
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert mounted.is_mounted(mnt)
    pid = daemon_of(mnt)
    assert os.readlink(f'/proc/{pid}/cwd') == '/'
    assert os.getsid(pid) == pid
    assert (mnt / 'projects/99/name').read_text() == 'Death Star\n'
    again = storyfs('mount', archive, mnt)
    assert again.returncode == 1 and 'mounted already' in again.stderr
    assert storyfs('umount', mnt).returncode == 0
    assert not mounted.is_mounted(mnt)
    assert wait_until(lambda: daemon_of(mnt) is None)
    done = storyfs('umount', mnt)
    assert done.returncode == 1 and 'no storyfs is mounted there' in done.stderr


def test_a_busy_mount_is_not_taken_away(archive, mnt):
    assert storyfs('mount', archive, mnt).returncode == 0
    with open(mnt / 'projects/99/name', encoding='utf-8'):
        done = storyfs('umount', mnt)
        assert done.returncode == 1 and 'in use' in done.stderr
        assert mounted.is_mounted(mnt)
    assert storyfs('umount', mnt).returncode == 0


@pytest.mark.parametrize('words', [
    ['{archive}', '{mnt}', '-o', 'rw,_netdev,nofail,noatime,x-systemd.automount,comment=ours'],
    ['mount', '-o', 'ro', '{archive}', '{mnt}'],
    ['mount', '{archive}', '{mnt}', '-oro,refresh=5'],
])
def test_it_is_called_as_fstab_does(words, archive, mnt):
    done = storyfs(*[w.format(archive=archive, mnt=mnt) for w in words])
    assert done.returncode == 0, done.stderr
    read_only = any('ro' in w.removeprefix('-o').split(',') for w in words)
    assert bool(os.statvfs(mnt).f_flag & os.ST_RDONLY) == read_only
    assert storyfs('umount', mnt).returncode == 0


def test_mount_8_finds_it_by_its_name(archive, mnt, tmp_path):
    helper = tmp_path / 'mount.storyfs'
    helper.symlink_to(os.path.abspath(conftest.BIN))
    done = subprocess.run([helper, archive, mnt, '-s', '-n', '-o', 'rw,user'], timeout=60,
                          capture_output=True, text=True, env=conftest.clean_env(), check=False)
    assert done.returncode == 0, done.stderr
    assert storyfs('umount', mnt).returncode == 0


def test_a_read_only_mount_writes_nothing(archive, mnt):
    assert storyfs('mount', '--ro', archive, mnt).returncode == 0
    name = mnt / 'projects/99/stories/555/name'
    with pytest.raises(OSError, match='Read-only file system'):
        name.write_text('x')
    assert storyfs('umount', mnt).returncode == 0


def test_owner_and_modes_are_as_asked(archive, mnt):
    done = storyfs('mount', '-o', 'uid=1234,gid=4321,umask=077', archive, mnt)
    assert done.returncode == 0, done.stderr
    info = (mnt / 'projects/99/stories/555/name').stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (1234, 4321, 0o600)
    assert storyfs('umount', mnt).returncode == 0


@pytest.mark.parametrize('what,text', [
    ('missing mountpoint', "mkdir -p"), ('file as mountpoint', 'no directory'),
    ('full mountpoint', 'is not empty'), ('missing source', 'an archive is a file made by'),
    ('text as source', 'archive'), ('no host', 'refused the connection'),
    ('query in url', 'a base URL has no query'),
])
def test_mistakes_are_explained(what, text, archive, tmp_path, mnt):
    source, point = archive, mnt
    if what == 'missing mountpoint':
        point = tmp_path / 'nowhere'
    elif what == 'file as mountpoint':
        point = tmp_path / 'file'
        point.write_text('')
    elif what == 'full mountpoint':
        (mnt / 'file').write_text('')
    elif what == 'missing source':
        source = tmp_path / 'nothing.db'
    elif what == 'text as source':
        source = tmp_path / 'text'
        source.write_text('hello ' * 1000)
    elif what == 'no host':
        source = 'http://127.0.0.1:1/services/v5'
    else:
        source = 'http://127.0.0.1:1/services/v5?token=x'
    done = storyfs('mount', source, point)
    assert done.returncode == 1 and text in done.stderr, done.stderr
    assert daemon_of(point) is None


def test_a_base_url_that_is_none_is_told_so(remote, mnt):
    done = storyfs('mount', f'http://{remote.host}:{remote.port}/api', mnt,
                   STORYFS_TOKEN=remote.token)
    assert done.returncode == 1 and 'V5 usually begins at /services/v5' in done.stderr


def test_a_wrong_number_is_usage(archive, mnt):
    for words in (['--timeout=0'], ['--refresh=-1'], ['--umask=9'], ['--uid=me']):
        done = storyfs('mount', archive, mnt, *words)
        assert done.returncode == 2 and words[0].split('=')[0] in done.stderr, done.stderr


def test_a_killed_mount_is_taken_away_by_the_next(archive, mnt):
    assert storyfs('mount', archive, mnt).returncode == 0
    os.kill(daemon_of(mnt), signal.SIGKILL)
    assert wait_until(lambda: daemon_of(mnt) is None)
    with pytest.raises(OSError):
        os.listdir(mnt)
    assert storyfs('mount', archive, mnt).returncode == 0
    assert os.listdir(mnt / 'projects') == ['99']
    os.kill(daemon_of(mnt), signal.SIGKILL)
    assert wait_until(lambda: daemon_of(mnt) is None)
    assert storyfs('umount', mnt).returncode == 0
    assert not mounted.is_mounted(mnt)


def test_nobody_waits_any_more_nothing_is_mounted(archive, mnt, tmp_path):
    """The parent dies while the token is asked for: its child gives up, too."""
    slow = tmp_path / 'slow'
    slow.write_text('#!/bin/sh\nsleep 1\necho x\n')
    slow.chmod(0o700)
    process = subprocess.Popen(
        [conftest.BIN, 'mount', '--token-command', str(slow), 'http://127.0.0.1:1/', str(mnt)],
        env=conftest.clean_env(), stderr=subprocess.DEVNULL)
    assert wait_until(lambda: daemon_of(mnt))
    process.kill()
    process.wait(timeout=30)
    assert wait_until(lambda: daemon_of(mnt) is None)
    assert not mounted.is_mounted(mnt)


def test_two_mounts_see_each_others_saves(archive, tmp_path, serve):
    server = serve(archive)
    (tmp_path / 'one').mkdir()
    one = mounted.Mount(archive, tmp_path / 'one', '--refresh=1')
    two = mounted.Mount(server.url, tmp_path / 'two', '--refresh=1', token=server.token)
    name = 'projects/99/stories/556/name'
    for m in (one, two):
        assert (m / name).read_text() == 'All exhaust ports need a lid\n'
    (one / name).write_text('By one\n')
    assert wait_until(lambda: (two / name).read_text() == 'By one\n')
    (two / name).write_text('By two\n')
    assert wait_until(lambda: (one / name).read_text() == 'By two\n')
    assert [m.stop() for m in (one, two)] == [0, 0]
