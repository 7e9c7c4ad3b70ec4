# SPDX-License-Identifier: GPL-2.0-or-later
"""Saves that meet another value than they were made from.

A mount with --refresh 0 never learns by itself that the server's value moved: what it shows is what
whoever saves has read.
"""
import errno
import json
import os
import random
import subprocess
import threading
import time

import pytest

import conftest
from mounted import Mounts, can_mount
from mounts import wait_until

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
STORY = 'projects/99/stories/555'
ROUNDS = int(os.environ.get('STORYFS_CONFLICT_ROUNDS', '200'))


@pytest.fixture
def mount(tmp_path):
    mounts = Mounts(tmp_path)
    yield mounts
    mounts.finish()


@pytest.fixture
def stale(serve, archive, mount):
    """A server and a mount that has shown the story and does not look again."""
    server = serve(archive)
    m = mount(server.url, '--refresh', '0', token=server.token)
    for field in ('name', 'description', 'estimate', 'labels'):
        (m / STORY / field).read_text()
    return server, m


def put(server, **values):
    answer = server.request('PUT', f'/{STORY}', values)
    assert answer.status == 200, answer.body


def get(server):
    return server.request('GET', f'/{STORY}').json()


def conflicts(m):
    """{number: {file: text}}"""
    top = m / '.storyfs/conflicts'
    return {n: {f: (top / n / f).read_text() for f in ('base', 'mine', 'theirs', 'path')}
            for n in sorted(os.listdir(top), key=int)}


def save(path, text):
    """0 or the errno."""
    try:
        path.write_text(text)
        return 0
    except OSError as e:
        return e.errno


def test_a_save_over_another_value_is_not_sent(stale):
    server, m = stale
    put(server, name='Theirs')
    assert save(m / STORY / 'name', 'Mine\n') == errno.EBUSY
    assert get(server)['name'] == 'Theirs'
    assert (m / STORY / 'name').read_text() == 'Theirs\n'
    assert conflicts(m) == {'1': {'base': 'Bring me the passengers\n', 'mine': 'Mine\n',
                                  'theirs': 'Theirs\n', 'path': f'{STORY}/name\n'}}
    assert '.storyfs/conflicts/1' in (m / STORY / '.error').read_text()
    assert (m / '.storyfs/journal').read_text().splitlines()[-1].split('\t')[2] == 'EBUSY'
    # It has been read now, and may be saved.
    assert save(m / STORY / 'name', 'Both\n') == 0
    assert get(server)['name'] == 'Both'
    assert not (m / STORY / '.error').exists()


def test_other_fields_are_no_conflict(stale):
    server, m = stale
    put(server, name='Theirs', estimate=1)
    assert save(m / STORY / 'description', 'mine\n') == 0
    story = get(server)
    assert (story['name'], story['estimate'], story['description']) == ('Theirs', 1, 'mine')
    assert conflicts(m) == {}
    # What came with the look is shown.
    assert (m / STORY / 'name').read_text() == 'Theirs\n'


@pytest.mark.parametrize('flags', [os.O_RDONLY, os.O_RDWR])
def test_what_is_read_counts_not_what_was_opened(serve, archive, mount, flags):
    server = serve(archive)
    m = mount(server.url, '--refresh', '1', token=server.token)
    name = m / STORY / 'name'
    fd = os.open(name, flags)
    try:
        put(server, name='Theirs')
        assert wait_until(lambda: name.stat().st_size == len('Theirs\n'))
        assert os.pread(fd, 99, 0) == b'Theirs\n'
        if flags == os.O_RDWR:
            os.pwrite(fd, b'Mine!!\n', 0)
    finally:
        os.close(fd)
    assert save(name, 'Mine\n') == 0
    assert get(server)['name'] == 'Mine'
    assert conflicts(m) == {}


def test_both_want_the_same(stale):
    server, m = stale
    put(server, name='Same')
    assert save(m / STORY / 'name', 'Same\n') == 0
    assert conflicts(m) == {}


@pytest.mark.parametrize('answer,name', [('mine\n', 'Mine'), ('theirs', 'Theirs'),
                                         ('Mine and theirs\n', 'Mine and theirs')])
def test_a_conflict_is_settled(stale, answer, name):
    server, m = stale
    put(server, name='Theirs')
    assert save(m / STORY / 'name', 'Mine\n') == errno.EBUSY
    assert (m / '.storyfs/conflicts/1/resolve').read_text() == ''
    (m / '.storyfs/conflicts/1/resolve').write_text(answer)
    assert os.listdir(m / '.storyfs/conflicts') == []
    assert not (m / '.storyfs/conflicts/1').exists()
    assert get(server)['name'] == name
    assert (m / STORY / 'name').read_text() == name + '\n'


def test_a_conflict_that_moved_on_stays(stale):
    server, m = stale
    put(server, name='Theirs')
    assert save(m / STORY / 'name', 'Mine\n') == errno.EBUSY
    put(server, name='Theirs, later')
    assert save(m / '.storyfs/conflicts/1/resolve', 'mine\n') == errno.EBUSY
    assert get(server)['name'] == 'Theirs, later'
    assert conflicts(m)['1']['theirs'] == 'Theirs, later\n'
    (m / '.storyfs/conflicts/1/resolve').write_text('mine\n')
    assert get(server)['name'] == 'Mine' and conflicts(m) == {}


def test_what_was_read_counts_not_what_is_known(serve, archive, mount):
    """The mount learned of the change in time; the program has not read it."""
    server = serve(archive)
    m = mount(server.url, '--refresh', '1', token=server.token)
    reader = subprocess.Popen(
        ['/usr/bin/python3', '-c',
         'import sys\nf = sys.argv[1]\nt = open(f).read()\nprint(flush=True)\nsys.stdin.readline()\n'
         'try:\n  w = open(f, "w"); w.write("Mine\\n"); w.close()\n'
         'except OSError as e:\n  print(e.errno)', str(m / STORY / 'name')],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdout.readline() == '\n'
    put(server, name='Theirs')
    # By stat alone: a read would be one of its parent.
    assert wait_until(lambda: (m / STORY / 'name').stat().st_size == len('Theirs\n'))
    said, _ = reader.communicate('\n', timeout=conftest.DEADLINE)
    assert said == f'{errno.EBUSY}\n'
    assert get(server)['name'] == 'Theirs'
    assert conflicts(m)['1']['base'] == 'Bring me the passengers\n'


def test_a_script_that_reads_by_cat_and_writes_later(serve, archive, mount):
    server = serve(archive)
    m = mount(server.url, '--refresh', '1', token=server.token)
    script = subprocess.Popen(
        ['bash', '-c', f'v=$(cat {STORY}/name); echo; read; /bin/echo "$v!" >{STORY}/name; echo $?'],
        cwd=m.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert script.stdout.readline() == '\n'
    put(server, name='Theirs')
    assert wait_until(lambda: (m / STORY / 'name').stat().st_size == len('Theirs\n'))
    script.communicate('\n', timeout=conftest.DEADLINE)
    assert get(server)['name'] == 'Theirs'
    assert conflicts(m)['1']['mine'] == 'Bring me the passengers!\n'


def test_appending_goes_on_from_what_there_is(serve, archive, mount):
    server = serve(archive)
    m = mount(server.url, '--refresh', '1', token=server.token)
    assert (m / STORY / 'description').read_text() == 'ignore the droids\n'
    put(server, description='look at the droids')
    assert wait_until(lambda: (m / STORY / 'description').stat().st_size == 19)
    m.run(f'echo "and the ship" >>{STORY}/description')
    assert get(server)['description'] == 'look at the droids\nand the ship'


def test_sed(stale):
    server, m = stale
    put(server, description='theirs')
    done = m.run(f'sed -i s/droids/ship/ {STORY}/description')
    assert done.returncode != 0, done
    assert get(server)['description'] == 'theirs'
    assert conflicts(m)['1']['mine'] == 'ignore the ship\n'
    assert wait_until(lambda: (m / STORY / 'description').read_text() == 'theirs\n')


def test_redirect(stale):
    server, m = stale
    put(server, estimate=3)
    m.run(f'echo 1 >{STORY}/estimate')
    assert get(server)['estimate'] == 3
    assert conflicts(m)['1'] == {'base': '2\n', 'mine': '1\n', 'theirs': '3\n',
                                 'path': f'{STORY}/estimate\n'}


def test_truncation(stale):
    server, m = stale
    put(server, description='theirs')
    m.run(f': >{STORY}/description')
    # What is only emptied is sent after the close.
    assert wait_until(lambda: conflicts(m))
    assert get(server)['description'] == 'theirs'
    assert conflicts(m)['1']['mine'] == ''


@pytest.mark.parametrize('options', ['set backupcopy=yes', 'set backupcopy=no'])
def test_vim(serve, archive, mount, options):
    server = serve(archive)
    m = mount(server.url, '--refresh', '0', token=server.token)
    (m / STORY / 'description').stat()
    subprocess.run(
        ['vim', '-Nu', 'NONE', '-es', '-c', options, '-c', '%s/ignore/obey/', '-c',
         f"call system('curl -sf -X PUT -H \"X-TrackerToken: {server.token}\" -H "
         f"\"Content-Type: application/json\" -d ''{{\"description\":\"theirs\"}}'' "
         f"{server.url}/{STORY}')", '-c', 'w!', '-c', 'qa!', str(m / STORY / 'description')],
        check=False, timeout=conftest.DEADLINE, stdin=subprocess.DEVNULL)
    assert get(server)['description'] == 'theirs'
    assert conflicts(m)['1']['base'] == 'ignore the droids\n'
    assert conflicts(m)['1']['mine'] == 'obey the droids\n'


def test_two_mounts(serve, archive, mount):
    server = serve(archive)
    a, b = (mount(server.url, '--refresh', '0', token=server.token) for _ in range(2))
    for m in (a, b):
        (m / STORY / 'name').read_text()
    assert save(a / STORY / 'name', 'A\n') == 0
    assert save(b / STORY / 'name', 'B\n') == errno.EBUSY
    assert save(b / STORY / 'estimate', '1\n') == 0
    assert conflicts(a) == {} and conflicts(b)['1']['theirs'] == 'A\n'


def test_two_mounts_of_one_archive(archive, mount):
    a, b = mount(archive, '--refresh', '0'), mount(archive, '--refresh', '0')
    for m in (a, b):
        (m / STORY / 'name').read_text()
    assert save(a / STORY / 'name', 'A\n') == 0
    assert save(b / STORY / 'name', 'B\n') == errno.EBUSY
    assert conflicts(b)['1']['base'] == 'Bring me the passengers\n'


def test_what_one_did_by_other_means_is_no_conflict(serve, archive, mount):
    """The shell wrote and read fields; then a program that it ran changed them by a link and by a
    document."""
    server = serve(archive)
    m = mount(server.url, '--refresh', '0', token=server.token)
    done = m.run(f'''set -e; cd projects/99
        echo started > stories/555/current_state
        mv by-state/started/*-555-* by-state/finished/
        echo delivered > stories/555/current_state
        cat stories/555/name
        /bin/sed -i "s/^# .*/# By a document/" markdown/555.md
        echo "By the shell" > stories/555/name''')
    assert done.returncode == 0, done.stderr
    assert conflicts(m) == {}
    assert (get(server)['current_state'], get(server)['name']) == ('delivered', 'By the shell')


def test_mounts_of_one_archive_see_each_other_at_once(archive, mount):
    # Long before the next look at all projects.
    a, b = mount(archive, '--refresh', '3600'), mount(archive, '--refresh', '3600')
    assert (b / STORY / 'name').read_text() == 'Bring me the passengers\n'
    assert save(a / STORY / 'name', 'A\n') == 0
    assert wait_until(lambda: (b / STORY / 'name').read_text() == 'A\n')


# ---- all at once ----

FIELDS = ('name', 'description')


class Writer(threading.Thread):
    """Saves a text of its own into a field, again and again; of each save it knows what it read."""

    def __init__(self, name, rounds, seed):
        super().__init__(name=name, daemon=True)
        self.rounds, self.random = rounds, random.Random(seed)
        self.saved, self.lost, self.failed = {}, [], None  # text -> what was read before

    def run(self):
        try:
            for i in range(self.rounds):
                self.once(self.random.choice(FIELDS), f'{self.name} {i}')
        except Exception as e:  # told by the test
            self.failed = e


class MountWriter(Writer):
    """In a process of its own, which has read the field before it writes, as an editor does."""
    CODE = ('import sys\n'
            'for line in sys.stdin:\n'
            '  f, text = line.rstrip("\\n").split("\\t")\n'
            '  with open(f) as r: base = r.read()\n'
            '  try:\n'
            '    w = open(f, "w"); w.write(text + "\\n"); w.close(); e = 0\n'
            '  except OSError as x: e = x.errno\n'
            '  print(e, base.rstrip("\\n"), sep="\\t", flush=True)\n')

    def __init__(self, name, m, rounds, seed):
        super().__init__(name, rounds, seed)
        self.m = m
        self.process = subprocess.Popen(['/usr/bin/python3', '-c', self.CODE], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def once(self, field, text):
        self.process.stdin.write(f'{self.m / STORY / field}\t{text}\n')
        self.process.stdin.flush()
        error, base = self.process.stdout.readline().rstrip('\n').split('\t')
        assert int(error) in (0, errno.EBUSY), error
        if int(error):
            self.lost.append((field, text))
        else:
            self.saved[field, text] = base

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(conftest.DEADLINE)


class ClientWriter(Writer):
    """A V5 client that knows nothing of conflicts."""

    def __init__(self, name, server, rounds, seed):
        super().__init__(name, rounds, seed)
        self.server, self.connection = server, server.connect()

    def once(self, field, text):
        answer = self.server.request('PUT', f'/{STORY}', {field: text}, connection=self.connection)
        assert answer.status == 200, answer.body
        self.saved[field, text] = None
        time.sleep(self.random.random() / 50)

    def end(self):
        self.connection.close()


def history(server):
    """[(field, what it replaced, what it is)], oldest first."""
    rows, offset = [], 0
    while True:
        items = server.request(
            'GET', f'/projects/99/activity?since_version=0&limit=500&offset={offset}').json()
        rows += items
        offset += len(items)
        if not items:
            break
    changes = [(item['project_version'], change) for item in rows for change in item['changes']
               if change['kind'] == 'story' and change.get('id') == 555]
    return [(field, change['original_values'].get(field), change['new_values'][field])
            for _, change in sorted(changes, key=lambda pair: pair[0])
            for field in FIELDS if field in change['new_values']]


def test_no_update_is_lost(serve, archive, mount):
    """Two mounts and a client write the same and different fields at once. What a mount replaced is
    what whoever saved had read, or lies in that mount's conflicts; so does what it did not send."""
    server = serve(archive)
    a, b = (mount(server.url, '--refresh', '0', token=server.token) for _ in range(2))
    writers = [MountWriter('a', a, ROUNDS, 1), MountWriter('b', b, ROUNDS, 2),
               ClientWriter('c', server, ROUNDS // 4, 3)]
    for w in writers:
        w.start()
    for w in writers:
        w.join(conftest.DEADLINE * 20)
        w.end()
    assert not any(w.is_alive() for w in writers)
    assert [w.failed for w in writers] == [None] * 3
    told = history(server)
    replaced = {(field, new): old for field, old, new in told}
    overwritten = 0
    for w, m in zip(writers, (a, b)):
        kept = conflicts(m).values()
        mine = {(os.path.basename(c['path'].strip()), c['mine'].rstrip('\n')) for c in kept}
        assert set(w.lost) <= mine
        for (field, text), base in w.saved.items():
            old = replaced[field, text]
            if old == base:
                continue
            overwritten += 1
            assert any(c['mine'].rstrip('\n') == text and c['theirs'].rstrip('\n') == old
                       for c in kept), (field, text, base, old)
        assert len(w.saved) + len(w.lost) == w.rounds
    assert all(w.saved for w in writers)
    print(json.dumps({'rounds': ROUNDS, 'saved': [len(w.saved) for w in writers],
                      'not sent': [len(w.lost) for w in writers[:2]], 'overwritten': overwritten}))
