# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts are in the kernel's page cache before they are read, and they are never old there."""
import contextlib
import mmap
import random
import re
import signal
import subprocess
import threading
import time

import pytest

import conftest
from mounted import Mounts, can_mount
from mounts import wait_until

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
N, FIRST = 300, 1000
FOLDER = 'projects/99/stories'
PLAIN = ['--refresh', '1']
RO = [*PLAIN, '-o', 'ro']


def make_story(i):
    return {**conftest.STAR['story'][0], 'id': FIRST + i, 'name': f'Story {i}', 'url': f'http://localhost/{i}',
            'description': ('number ' + 'abc ' * (i * 7 % 3000)).strip()}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('ahead')
    kinds = {**conftest.STAR, 'story': [make_story(i) for i in range(N)]}
    dump = conftest.write_dump(tmp / 'dump', kinds)
    done = conftest.storyfs('import', dump, tmp / 'a.db', '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    server = conftest.Server(tmp / 'a.db', log=tmp / 'requests.log')
    server.token = conftest.storyfs('user', 'token', tmp / 'a.db').stdout.strip()
    try:
        yield server
    finally:
        assert server.stop() == 0


@pytest.fixture
def mount(server, tmp_path):
    mounts = Mounts(tmp_path)
    try:
        yield lambda *options: mounts(server.url, *options, token=server.token)
    finally:
        mounts.finish()


def count(m, name):
    return len(re.findall(rf'opcode: {name} ', m.said()))


def grep(m):
    done = m.run(f'grep -r number {FOLDER} | wc -l')
    assert int(done.stdout) >= N, done
    return done


def reads_of_all(m, before):
    """How many a grep sends, and how many files have a text."""
    m.run(f'ls {FOLDER}; {before} {FOLDER}')
    at = count(m, 'READ')
    grep(m)
    return count(m, 'READ') - at, int(m.run(f'find {FOLDER} -type f -size +0 | wc -l').stdout)


@pytest.mark.parametrize('options', [PLAIN, RO], ids=['rw', 'ro'])
@pytest.mark.parametrize('before', ['find', 'ls -lR', 'true'])
def test_who_reads_all_sends_few_reads(mount, options, before):
    """A busy machine may give the thread too little time, once."""
    tries = []
    while not tries or (len(tries) < 6 and tries[-1][0] * 2 > tries[-1][1]):
        tries.append(reads_of_all(mount(*options, '-d'), before))
    assert tries[-1][0] * 2 < tries[-1][1], tries


def test_one_file_is_no_reason(mount):
    m = mount(*PLAIN, '-d')
    m.run(f'ls -lR {FOLDER}')
    at = count(m, 'READ')
    for field in ('name', 'description', 'current_state'):
        m.run(f'cat {FOLDER}/{FIRST}/{field}')
    assert count(m, 'READ') - at == 3


def test_all_texts_are_whole(server, mount):
    """Whatever the length, and whether or not it was read before."""
    m = mount(*PLAIN)
    for _ in range(2):
        grep(m)
        for i in range(0, N, 7):
            assert (m / FOLDER / str(FIRST + i) / 'description').read_text() == make_story(i)['description'] + '\n'


def change(server, story, text):
    answer = server.request('PUT', f'/{FOLDER}/{story}', {'description': text})
    assert answer.status == 200, answer.body


@contextlib.contextmanager
def grepping(m):
    """Programs that read all there is, the kernel knowing nothing of it at first."""
    m.run(f'ls {FOLDER}')
    with subprocess.Popen(['sh', '-c', f'for i in 1 2 3; do grep -r number {FOLDER}; done'], cwd=m.path,
                          stdout=subprocess.PIPE) as reader:
        assert reader.stdout.readline()
        thread = threading.Thread(target=reader.stdout.read)
        thread.start()
        try:
            yield
        finally:
            thread.join()


@pytest.mark.parametrize('options', [PLAIN, RO], ids=['rw', 'ro'])
def test_foreign_changes_are_seen_while_texts_are_stored(server, mount, options):
    rng = random.Random(1)
    for round_ in range(2):
        m = mount(*options)
        paths = {i: m / FOLDER / str(FIRST + i) / 'description' for i in range(0, N, 20)}
        texts = {i: f'number {round_} ' + 'x' * rng.choice((10, 4000, 5000, 12000)) for i in paths}
        with grepping(m):
            for i, text in texts.items():
                change(server, FIRST + i, text)
        for i, text in texts.items():
            assert wait_until(lambda: paths[i].read_text() == text + '\n'), i
            assert paths[i].stat().st_size == len(text) + 1


def test_saves_are_not_overwritten_while_texts_are_stored(server, mount):
    """By those who write through a descriptor, append, or map."""
    for round_ in range(2):
        m = mount(*PLAIN)
        fields = [m / FOLDER / str(FIRST + i) / 'description' for i in range(3, N, 40)]
        text = f'number {round_}\n' + 'y' * 5000 + '\n'
        with grepping(m):
            for path in fields:
                path.write_text(text)
                with open(path, 'a', encoding='ascii') as f:
                    f.write('more\n')
                assert path.read_text() == text + 'more\n'
                with open(path, 'r+b') as f, mmap.mmap(f.fileno(), 0) as mapped:
                    mapped[:6] = b'NUMBER'
                    time.sleep(0.01)
                    assert mapped[:6] == b'NUMBER'
                    mapped.flush()
        for path in fields:
            story = server.request('GET', f'/{FOLDER}/{path.parent.name}').json()
            assert story['description'] + '\n' == path.read_text() == 'NUMBER' + text[6:] + 'more\n'


@pytest.mark.parametrize('how', ['umount', 'lazy', 'TERM'])
def test_the_mount_ends_while_texts_are_stored(server, tmp_path, how):
    mounts = Mounts(tmp_path)
    m = mounts(server.url, *PLAIN, token=server.token)
    m.run(f'ls {FOLDER}')
    with subprocess.Popen(['grep', '-r', 'number', FOLDER], cwd=m.path, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as reader:
        assert reader.stdout.readline()
        if how == 'TERM':
            m.process.send_signal(signal.SIGTERM)
        elif how == 'lazy':
            subprocess.run(['fusermount3', '-u', '-z', m.path], check=True, timeout=conftest.DEADLINE)
        reader.stdout.read()
    mounts.finish()
    if m.process.returncode is None:
        assert m.process.wait(conftest.DEADLINE) == 0
