# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that walk through all there is, unasked: they cost the host as few requests in a large project
as reading all of a tiny one, none for each file, and none at all the second time.

What they do is real, and so are they; one that is not installed is skipped.
"""
import shutil
import subprocess

import pytest

import conftest
from mounted import Mounts, can_mount
from test_attachments import attach

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
P = 'projects/99'
MANY = 30

# The program, whether it fetches what is attached, and a command line: MNT is the mount, IN the directory
# that it is in, which is a git repository, OUT one that is empty. Each ends with 0 when it has gone
# through.
PROGRAMS = [
    ('updatedb', False, "updatedb -l 0 -U IN -o OUT/db --prunefs '' --prunepaths '' --prunenames '' "
     '--prune-bind-mounts no && plocate -d OUT/db MNT/projects/99/stories/1029/estimate'),
    ('find', False, f'find MNT -newer MNT/{P}/name | grep -c updated_at'),
    ('du', False, 'du -s MNT'),
    ('ls', False, 'ls -lR MNT'),
    ('git', False, 'git -C IN status --porcelain | grep mnt'),
    ('git', False, 'git -C IN status --porcelain -uall | grep 1029/estimate'),
    # One second after it watches all directories it says that nothing came.
    ('inotifywait', False, 'inotifywait -q -r -t 1 -e create MNT; [ $? = 2 ]'),
    ('rsync', False, 'rsync -an MNT/ OUT/'),
    ('file', True, f'find MNT/{P} -type f -print0 | xargs -0 file'),
    ('gio', False, f'find MNT/{P}/attachments MNT/{P}/stories/555 -type f -print0 | xargs -0 gio info'),
    ('grep', True, 'grep -rs xylophone MNT; [ $? -lt 2 ]'),
    ('tar', True, 'tar -C MNT -cf - . | cat >/dev/null'),
]


class Host:
    """A server of a project of so many stories, each with a comment and a task; files are attached to two."""

    def __init__(self, tmp, n_stories):
        first = conftest.STAR['story'][0]
        stories = [{**first, 'id': 1000 + i, 'name': f'Story {i}', 'description': 'x' * i}
                   for i in range(n_stories)]
        dump = conftest.write_dump(
            tmp / 'dump', {**conftest.STAR, 'story': conftest.STAR['story'] + stories})
        done = conftest.storyfs('import', dump, tmp / 'a.db', '--owner', 'palpatine')
        assert done.returncode == 0, done.stderr
        self.server = conftest.Server(tmp / 'a.db', log=tmp / 'requests.log')
        self.server.token = conftest.storyfs('user', 'token', tmp / 'a.db').stdout.strip()
        connection = self.server.connect()
        for story in stories:
            for what, key in (('comments', 'text'), ('tasks', 'description')):
                answer = self.server.request('POST', f'/{P}/stories/{story["id"]}/{what}',
                                             {key: 'words'}, connection=connection)
                assert answer.status == 200, answer.body
        connection.close()
        self.n_files = 2
        for i in range(self.n_files):
            attach(self.server, f'picture {i}.png', b'\x89PNG\r\n\x1a\n' + bytes(100), f'stories/{555 + i}')

    def cost(self, mount, command):
        """Requests of that command, and how many of them were downloads."""
        folder = mount.path.parent
        out = folder / 'out'
        out.mkdir(exist_ok=True)
        n = len(self.server.log())
        for name, path in (('MNT', mount.path), ('OUT', out), ('IN', folder)):
            command = command.replace(name, f"'{path}'")
        done = subprocess.run(['sh', '-c', command], capture_output=True, text=True,
                              timeout=conftest.DEADLINE, check=False)
        assert done.returncode == 0, (done.stdout[-500:], done.stderr)
        paths = [line['path'] for line in self.server.log()[n:]]
        n_files = sum('download' in path for path in paths)
        return len(paths) - n_files, n_files


@pytest.fixture(scope='module')
def hosts(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('indexers')
    both = []
    try:
        for n in (0, MANY):
            (tmp / str(n)).mkdir()
            both.append(Host(tmp / str(n), n))
        yield both
    finally:
        assert [host.server.stop() for host in both] == [0] * len(both)


@pytest.fixture
def mount(tmp_path):
    """Mounts a host's, with no looks at it that nobody asked for, in a git repository."""
    mounts = Mounts(tmp_path)
    subprocess.run(['git', 'init', '-q', str(tmp_path)], check=True, timeout=conftest.DEADLINE)
    yield lambda host: mounts(host.server.url, '--refresh', '3600', token=host.server.token)
    mounts.finish()


@pytest.fixture(scope='module')
def enough(hosts, tmp_path_factory):
    """The requests of a program that reads all there is of the smallest project."""
    mounts = Mounts(tmp_path_factory.mktemp('least'))
    try:
        host = hosts[0]
        mount = mounts(host.server.url, '--refresh', '3600', token=host.server.token)
        n_requests, n_files = host.cost(mount, 'tar -C MNT -cf - . | cat >/dev/null')
        assert n_files == host.n_files
        return n_requests
    finally:
        mounts.finish()


@pytest.mark.parametrize('program, fetches, command', PROGRAMS,
                         ids=[f'{p}{i}' for i, (p, *_) in enumerate(PROGRAMS)])
def test_who_walks_through_all_costs_no_request_a_file(hosts, enough, mount, program, fetches, command):
    if not shutil.which(program):
        pytest.skip(f'{program} is not installed')
    host = hosts[1]
    here = mount(host)
    n_requests, n_files = host.cost(here, command)
    print(f'{program}: {n_requests} requests, {n_files} files')
    assert n_requests <= enough < MANY
    assert n_files == (host.n_files if fetches else 0)
    assert host.cost(here, command) == (0, 0)
