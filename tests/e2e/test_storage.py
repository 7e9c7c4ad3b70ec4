# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad storage as its users see it: a full disk, one that may not be written, an archive that somebody else holds,
that is damaged, cut, foreign or too new. Each is told in clear words with the way out, loses nothing that was
answered, and is over when its cause is."""
import json
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from conftest import BIN, DEADLINE, STAR, clean_env, storyfs, write_dump
from receiver import Receiver

STORIES = '/projects/99/stories'
LARGE = 'x' * 15000


@pytest.fixture
def on_disk(disk, star_archive):
    """An archive there; its path as what runs within sees it."""
    shutil.copy(star_archive, disk.seen('a.db'))
    return disk.folder / 'a.db'


def post(server, name, **more):
    return server.request('POST', STORIES, {'name': name, **more})


def names(server):
    return sorted(story['name'] for story in server.request('GET', STORIES).json())


def expect_failure(answer, status, code):
    """An error object of V5's shape that says what to do."""
    assert answer.status == status, answer.body
    error = answer.json()
    assert (error['kind'], error['code']) == ('error', code)
    assert error['error'] and error['possible_fix']
    assert error['general_problem'] == 'nothing of this request was written'


def expect_words(done, path, words):
    """A command that failed: one line on standard error of its own, the log's aside."""
    assert done.returncode == 1 and done.stdout == '', done
    last = done.stderr.strip().split('\n')[-1]
    assert last.startswith('storyfs: ') and str(path) in last and words in last, done.stderr


# ---- a full disk ----

def test_a_full_disk_is_told_and_over_with_room(disk, on_disk, serve):
    server = serve(on_disk, within=disk.within)
    before = names(server)
    told = []
    disk.fill()
    for i in range(30):
        answer = post(server, f'full {i}', description=LARGE)
        if answer.status == 200:
            told.append(f'full {i}')
        else:
            expect_failure(answer, 507, 'storage_full')
    assert len(told) < 30
    assert names(server) == sorted(before + told)
    assert server.request('GET', '/me').status == 200
    disk.make_room()
    assert post(server, 'room', description=LARGE).status == 200
    assert names(server) == sorted(before + told + ['room'])
    activity = server.request('GET', '/projects/99/activity?limit=100').json()
    versions = sorted(item['project_version'] for item in activity)
    assert versions == list(range(versions[0], versions[0] + len(versions)))
    assert server.stop() == 0
    again = serve(on_disk, within=disk.within)
    assert names(again) == sorted(before + told + ['room'])


def test_an_upload_to_a_full_disk_is_none(disk, on_disk, serve):
    server = serve(on_disk, within=disk.within)
    body = (b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + bytes(4 << 20)
            + b'\r\n--B--\r\n')
    headers = {'Content-Type': 'multipart/form-data; boundary=B'}
    expect_failure(server.request('POST', '/projects/99/uploads', body, headers), 507, 'storage_full')
    small = body.replace(bytes(4 << 20), b'small')
    assert server.request('POST', '/projects/99/uploads', small, headers).status == 200


def test_commands_say_that_the_disk_is_full(disk, on_disk, tmp_path):
    dump = write_dump(tmp_path / 'dump', STAR)
    before = disk.seen('a.db').read_bytes()
    disk.fill()
    expect_words(storyfs('user', 'add', on_disk, 'Leia', within=disk.within), on_disk, 'the disk is full')
    there = sorted(p.name for p in disk.seen().iterdir())
    done = storyfs('import', dump, disk.folder / 'new.db', within=disk.within)
    assert done.returncode == 1 and 'the disk is full' in done.stderr
    assert sorted(p.name for p in disk.seen().iterdir()) == there, 'something is left of it'
    disk.make_room()
    assert disk.seen('a.db').read_bytes() == before
    assert storyfs('user', 'add', on_disk, 'Leia', within=disk.within).returncode == 0
    assert storyfs('import', dump, disk.folder / 'new.db', within=disk.within).returncode == 0


@pytest.mark.parametrize('room', range(500, 700, 20))
def test_an_import_that_does_not_fit_leaves_nothing(disk, on_disk, tmp_path, room):
    """Wherever in the filling of a new archive it ends."""
    stories = [dict(STAR['story'][0], id=1000 + i, name=f's{i}', description='x' * 1000) for i in range(4000)]
    dump = write_dump(tmp_path / 'dump', {'project': STAR['project'], 'person': STAR['person'], 'story': stories})
    there = sorted([*(p.name for p in disk.seen().iterdir()), 'filler'])
    disk.fill()
    with open(disk.seen('filler'), 'r+b') as f:
        f.truncate(disk.seen('filler').stat().st_size - room * 1024)
    done = storyfs('import', dump, disk.folder / 'new.db', within=disk.within)
    assert done.returncode == 1 and 'the disk is full' in done.stderr
    assert sorted(p.name for p in disk.seen().iterdir()) == there, 'something is left of it'


def test_an_import_that_does_not_fit_changes_nothing(disk, on_disk, tmp_path):
    stories = [dict(STAR['story'][0], id=1000 + i, name=f's{i}', description=LARGE) for i in range(300)]
    dump = write_dump(tmp_path / 'dump', dict(STAR, story=stories))
    before = storyfs('ls', on_disk, 'projects/99/stories', within=disk.within)
    done = storyfs('import', dump, on_disk, within=disk.within)
    assert done.returncode == 1 and 'the disk is full' in done.stderr, done.stderr
    after = storyfs('ls', on_disk, 'projects/99/stories', within=disk.within)
    assert after.returncode == 0 and after.stdout == before.stdout


def test_a_limit_of_file_sizes_is_a_full_disk(archive, serve):
    server = serve(archive, within=('prlimit', '--fsize=400000:'))
    for i in range(60):
        answer = post(server, f's{i}', description=LARGE)
        if answer.status != 200:
            break
    expect_failure(answer, 507, 'storage_full')
    assert len(names(server)) == 2 + i
    subprocess.run(['prlimit', f'--pid={server.process.pid}', '--fsize=unlimited:'], check=True, timeout=DEADLINE)
    assert post(server, 'room', description=LARGE).status == 200
    assert len(names(server)) == 3 + i


def test_a_webhook_that_cannot_be_noted_is_not_sent_for_ever(disk, on_disk, serve):
    receiver = Receiver(lambda n: 500 if n == 0 else 200)
    try:
        server = serve(on_disk, '--webhook-private', within=disk.within)
        assert server.request('POST', '/projects/99/webhooks', {'webhook_url': receiver.url}).status == 200
        assert post(server, 'first').status == 200
        receiver.wait_for(1)
        disk.fill()
        receiver.wait_for(3)
        before = len(receiver.items)
        time.sleep(4)
        assert len(receiver.items) - before < 50, 'told without a rest'
        disk.make_room()
        assert post(server, 'last').status == 200
        until = time.monotonic() + DEADLINE
        while receiver.items[-1]['primary_resources'][0]['name'] != 'last':
            assert time.monotonic() < until, 'it does not go on'
            time.sleep(0.1)
    finally:
        receiver.close()


# ---- not to be written ----

def test_what_may_not_be_written_is_told(disk, on_disk, tmp_path):
    before = disk.seen('a.db').read_bytes()
    disk.make_read_only()
    dump = write_dump(tmp_path / 'dump', STAR)
    for command in (['user', 'list', on_disk], ['serve', on_disk], ['import', dump, on_disk],
                    ['ls', on_disk, '/']):
        expect_words(storyfs(*command, within=disk.within), on_disk, 'copy it to where')
    missing = disk.folder / 'new.db'
    expect_words(storyfs('import', dump, missing, within=disk.within), missing, 'nothing may be written')
    assert disk.seen('a.db').read_bytes() == before


# ---- held by somebody else ----

def test_an_archive_that_somebody_else_holds(server, archive):
    holder = sqlite3.connect(archive, isolation_level=None, timeout=DEADLINE)
    holder.execute('BEGIN IMMEDIATE')
    answers = []
    thread = threading.Thread(target=lambda: answers.append(post(server, 'held')))
    command = subprocess.Popen([BIN, 'user', 'add', str(archive), 'Leia'], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=clean_env())
    thread.start()
    for _ in range(5):
        assert server.request('GET', STORIES).status == 200
    said = command.communicate(timeout=2 * DEADLINE)
    thread.join(2 * DEADLINE)
    done = subprocess.CompletedProcess([], command.returncode, *said)
    expect_words(done, archive, 'another program')
    expect_failure(answers[0], 503, 'storage_busy')
    assert int(answers[0].headers['Retry-After']) > 0
    holder.execute('ROLLBACK')
    holder.close()
    assert post(server, 'free').status == 200
    assert 'held' not in names(server) and 'free' in names(server)
    assert storyfs('user', 'add', archive, 'Leia').returncode == 0


# ---- damaged, cut, foreign, too new ----

def root_page(archive, table):
    db = sqlite3.connect(archive)
    page, = db.execute('SELECT rootpage FROM sqlite_schema WHERE name = ?', (table,)).fetchone()
    db.close()
    return page


def overwrite(archive, page):
    with open(archive, 'r+b') as f:
        f.seek((page - 1) * 4096)
        f.write(b'\xa5' * 4096)


def test_a_damaged_page_fails_what_needs_it_and_nothing_else(archive, serve, tmp_path):
    serve(archive).stop()
    backup = shutil.copy(archive, tmp_path / 'backup.db')
    overwrite(archive, root_page(archive, 'story'))
    server = serve(archive)
    for _ in range(20):
        expect_failure(server.request('GET', STORIES), 500, 'storage_damaged')
        expect_failure(post(server, 'x'), 500, 'storage_damaged')
        assert server.request('GET', '/me').status == 200
    assert server.request('POST', '/projects/99/labels', {'name': 'goes on'}).status == 200
    server.signal(15)
    assert server.wait() == 0
    assert 'put a backup in its place' in server.errors and '.recover' in server.errors
    done = storyfs('ls', archive, 'projects/99/stories')
    assert done.returncode == 1 and 'damaged' in done.stderr
    shutil.copy(backup, archive)
    assert serve(archive).request('GET', STORIES).status == 200


def cut(archive):
    with open(archive, 'r+b') as f:
        f.truncate(f.seek(0, 2) // 8192 * 4096)


def make_newer(archive):
    db = sqlite3.connect(archive)
    db.execute('PRAGMA user_version = 99')
    db.close()


@pytest.mark.parametrize('spoil, words', [
    (cut, 'it is damaged; put a backup in its place'),
    (lambda a: overwrite(a, 1), 'is no storyfs archive'),
    (lambda a: a.write_text('a text that is no database at all, however long it may be. ' * 20), 'is no storyfs archive'),
    (make_newer, 'was made by a newer storyfs: use that one, or a newer'),
])
def test_what_is_no_archive_any_more_is_left_alone(archive, tmp_path, spoil, words):
    spoil(archive)
    before = archive.read_bytes()
    dump = write_dump(tmp_path / 'dump', STAR)
    for command in (['serve', archive], ['import', dump, archive], ['user', 'add', archive, 'Leia'],
                    ['user', 'list', archive], ['ls', archive, '/'],
                    ['mount', archive, tmp_path / 'mnt']):
        (tmp_path / 'mnt').mkdir(exist_ok=True)
        expect_words(storyfs(*command), archive, words)
        assert archive.read_bytes() == before
