# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs import` and `storyfs user`: what a person sees."""
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from conftest import BIN, DEADLINE, ROOT, STAR, clean_env, storyfs, write_dump


@pytest.fixture
def dump(tmp_path):
    return write_dump(tmp_path / 'dump', STAR)


def content(archive):
    """All rows of all tables."""
    db = sqlite3.connect(archive)
    tables = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    rows = {name: sorted(map(repr, db.execute(f'SELECT * FROM "{name}"'))) for name in tables}
    db.close()
    return rows


def test_a_dump_becomes_an_archive(dump, tmp_path):
    done = storyfs('import', dump, tmp_path / 'a.db')
    assert done.returncode == 0, done.stderr
    assert re.search(r'^story +2 read +2 new or changed$', done.stdout, re.M)
    assert re.search(r'^label +1 read +1 new or changed$', done.stdout, re.M)
    assert str(dump) in done.stderr and '\r' not in done.stderr


def test_the_same_again_changes_nothing(dump, tmp_path):
    storyfs('import', dump, tmp_path / 'a.db')
    before = content(tmp_path / 'a.db')
    done = storyfs('import', dump, tmp_path / 'a.db')
    assert done.returncode == 0
    assert 'nothing changed' in done.stdout
    assert content(tmp_path / 'a.db') == before


def test_the_report_can_be_json(dump, tmp_path):
    write_dump(dump, {'star_map': [{'id': 4}]})
    done = storyfs('import', '--json', dump, tmp_path / 'a.db')
    report = json.loads(done.stdout)
    assert report['read']['story'] == 2
    assert report['changed']['person'] == 2
    assert report['unknown'] == 1
    assert report['notes'] == [f'{dump}/star_map.json: 1 of the kind star_map, which is not served yet; '
                               'kept as they are']


def test_several_folders_are_one_import(tmp_path):
    people = write_dump(tmp_path / 'people', {'person': STAR['person']})
    rest = write_dump(tmp_path / 'star', {k: v for k, v in STAR.items() if k != 'person'})
    done = storyfs('import', rest, people, tmp_path / 'a.db')
    assert done.returncode == 0
    assert 'vader' in storyfs('user', 'list', tmp_path / 'a.db').stdout


@pytest.mark.parametrize('text, reason', [
    ('{"code":1}', 'expected a list of story resources, found one object'),
    ('<html>', 'this is HTML, not JSON'),
    ('[{"id":1,', 'line 1, column '),
    ('', 'the file is empty'),
])
def test_a_bad_file_changes_nothing_and_is_named(dump, tmp_path, text, reason):
    write_dump(dump, {'story': text})
    done = storyfs('import', dump, tmp_path / 'a.db')
    assert done.returncode == 1
    assert f'storyfs: import: {dump}/story.json: {reason}' in done.stderr
    assert done.stdout == ''
    assert sorted(os.listdir(tmp_path)) == ['dump']


def test_a_bad_dump_leaves_an_archive_as_it_was(archive, dump):
    before = content(archive)
    write_dump(dump, {'story': '[{"id":9,"name":"new","project_id":99}', 'zebra': '[{"id":1}]'})
    assert storyfs('import', dump, archive).returncode == 1
    assert content(archive) == before


def test_the_archive_comes_last(dump, tmp_path):
    done = storyfs('import', tmp_path / 'a.db', dump)
    assert done.returncode == 1
    assert f"the archive comes last, and '{dump}' is a folder" in done.stderr


def test_what_is_no_archive_is_not_overwritten(dump, tmp_path):
    other = tmp_path / 'letter.txt'
    other.write_text('dear ' * 1000)
    done = storyfs('import', dump, other)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f'storyfs: import: {other}: is no storyfs archive; ' \
        'an export becomes one by: storyfs import EXPORT ARCHIVE'
    assert other.read_text() == 'dear ' * 1000


@pytest.fixture
def halted(tmp_path):
    """Begins to import something large into a new archive, and halts in the middle of it."""
    begun = []

    def halt(archive, by=()):
        large = tmp_path / 'large.csv'
        large.write_text('Id,Title,Type,Current State,Description\n' + ''.join(
            f'{i},Story {i},feature,started,"{"long " * 200}"\n' for i in range(1, 20001)), encoding='ascii')
        p = subprocess.Popen([*by, BIN, 'import', large, archive], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_env())
        begun.append(p)
        end = time.monotonic() + DEADLINE
        while not any(Path(f'{archive}.part').rglob('whole')):
            assert p.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        p.send_signal(signal.SIGSTOP)
        return p
    yield halt
    for p in begun:
        p.kill()
        p.communicate()


def test_an_archive_is_there_when_it_is_whole(dump, tmp_path, halted):
    archive = tmp_path / 'a.db'
    first = halted(archive)
    assert not archive.exists()
    second = storyfs('import', dump, archive)
    assert second.returncode == 1
    assert second.stderr == f'storyfs: import: {archive}.part: another storyfs is at work there\n'
    first.send_signal(signal.SIGCONT)
    assert 'story  ' in first.communicate(timeout=DEADLINE)[0]
    assert first.returncode == 0
    assert len(content(archive)['story']) == 20000
    assert {p.name for p in tmp_path.glob('a.db*')} == {'a.db'}


def test_what_was_killed_leaves_no_archive_and_is_cleared_away(dump, tmp_path, halted):
    archive = tmp_path / 'a.db'
    first = halted(archive)
    first.kill()
    first.wait(DEADLINE)
    assert not archive.exists()
    assert storyfs('import', dump, archive).returncode == 0
    assert len(content(archive)['story']) == 2
    assert {p.name for p in tmp_path.glob('a.db*')} == {'a.db'}


def with_shim(name, tmp_path):
    shim = tmp_path / f'{name}.so'
    subprocess.run(['cc', '-shared', '-fPIC', '-o', shim, ROOT / f'tests/e2e/{name}_shim.c'], check=True, timeout=DEADLINE)
    return {**clean_env(), 'LD_PRELOAD': str(shim),
            'ASAN_OPTIONS': f'{os.environ.get("ASAN_OPTIONS", "")}:verify_asan_link_order=0'}


def test_who_is_late_for_the_folder_has_not_got_it(dump, tmp_path, halted):
    """It has opened the folder, and who had it before took it away."""
    archive = tmp_path / 'a.db'
    late = subprocess.Popen([BIN, 'import', dump, archive], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=with_shim('flock', tmp_path))
    try:
        assert os.WIFSTOPPED(os.waitpid(late.pid, os.WUNTRACED)[1])
        Path(f'{archive}.part').rmdir()
        first = halted(archive)
        late.send_signal(signal.SIGCONT)
        late.wait(DEADLINE)
    finally:
        late.kill()
    assert late.communicate()[1] == f'storyfs: import: {archive}.part: another storyfs is at work there\n'
    first.send_signal(signal.SIGCONT)
    assert first.wait(DEADLINE) == 0
    assert len(content(archive)['story']) == 20000


def test_what_is_done_is_on_the_disk(dump, tmp_path):
    """What is in the archive before its name, and the name before it is said."""
    log = tmp_path / 'log'
    done = storyfs('import', dump, tmp_path / 'a.db', env={**with_shim('sync', tmp_path), 'SYNC_LOG': str(log)})
    assert done.returncode == 0, done.stderr
    assert log.read_text().split() == ['syncfs', 'renameat2', 'syncfs']


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_what_is_half_with_it(tmp_path, halted, number):
    first = halted(tmp_path / 'a.db')
    first.send_signal(number)
    first.send_signal(signal.SIGCONT)
    told, progress = first.communicate(timeout=DEADLINE)
    assert told == '' and progress in ('', f'storyfs: import: {tmp_path / "large.csv"}\n')
    assert first.returncode == -number
    assert {p.name for p in tmp_path.iterdir()} == {'large.csv'}


def test_what_is_to_be_ignored_is(tmp_path, halted):
    first = halted(tmp_path / 'a.db', by=['env', '--ignore-signal=HUP'])
    first.send_signal(signal.SIGHUP)
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=DEADLINE)
    assert first.returncode == 0
    assert {p.name for p in tmp_path.iterdir()} == {'large.csv', 'a.db'}


def test_what_somebody_made_meanwhile_stays(dump, tmp_path, halted):
    archive = tmp_path / 'a.db'
    first = halted(archive)
    assert storyfs('import', dump, tmp_path / 'b.db').returncode == 0
    (tmp_path / 'b.db').rename(archive)
    before = content(archive)
    first.send_signal(signal.SIGCONT)
    assert first.communicate(timeout=DEADLINE)[1].endswith(f'storyfs: import: {archive}: File exists\n')
    assert first.returncode == 1
    assert content(archive) == before
    assert {p.name for p in tmp_path.glob('a.db*')} == {'a.db'}


@pytest.mark.parametrize('end', ['wal', 'journal'])
def test_the_log_of_an_archive_that_is_gone_is_nobody_elses(dump, tmp_path, end):
    archive, log = tmp_path / 'a.db', tmp_path / f'a.db-{end}'
    log.write_bytes(b'dear')
    done = storyfs('import', dump, archive)
    assert done.returncode == 1
    assert done.stderr == f'storyfs: import: {log}: belongs to an archive that is no longer there; ' \
        'move it away, or give the new one another name\n'
    assert log.read_bytes() == b'dear' and not archive.exists()
    log.unlink()
    assert storyfs('import', dump, archive).returncode == 0


@pytest.mark.parametrize('name', ['missing/a.db', 'a.db/', 'file/a.db'])
def test_a_place_that_is_none_is_told_as_it_was_given(dump, tmp_path, name):
    (tmp_path / 'file').touch()
    done = storyfs('import', dump, f'{tmp_path}/{name}')
    why = 'Not a directory' if name.startswith('file') else 'No such file or directory'
    assert (done.returncode, done.stderr) == (1, f'storyfs: import: {tmp_path}/{name}: {why}\n')
    assert {p.name for p in tmp_path.iterdir()} == {'dump', 'file'}


def test_a_link_that_leads_nowhere_is_told(dump, tmp_path):
    (tmp_path / 'a.db').symlink_to('nowhere')
    done = storyfs('import', dump, tmp_path / 'a.db')
    assert (done.returncode, done.stderr) == \
        (1, f'storyfs: import: {tmp_path / "a.db"}: is a link that leads nowhere\n')


@pytest.mark.parametrize('length', [248, 250, 255])
def test_a_name_that_leaves_no_room_for_the_log_is_refused(dump, tmp_path, length):
    """Nobody could open such an archive."""
    name = 'a' * length
    done = storyfs('import', dump, tmp_path / name)
    assert done.returncode == 1
    assert done.stderr.startswith(f'storyfs: import: {tmp_path}/{name}')
    assert done.stderr.endswith(': File name too long\n')
    assert sorted(os.listdir(tmp_path)) == ['dump']


def test_the_longest_name_that_is_taken_can_be_opened(dump, tmp_path):
    archive = tmp_path / ('a' * 247)
    assert storyfs('import', dump, archive).returncode == 0
    assert 'vader' in storyfs('user', 'list', archive).stdout


def test_a_log_gets_a_line_a_folder(dump, tmp_path):
    done = storyfs('import', f'{dump}//', tmp_path / 'a.db')
    assert done.returncode == 0
    assert done.stderr == f'storyfs: import: {dump}\n'


def test_the_owner_can_be_chosen(dump, tmp_path):
    done = storyfs('import', '--owner', 'nobody', dump, tmp_path / 'a.db')
    assert done.returncode == 1
    assert "nobody called 'nobody' in the archive; there are:" in done.stderr
    assert '\n  Darth Vader (vader, vader@deathstar.mil), id 101\n' in done.stderr
    assert not (tmp_path / 'a.db').exists()
    done = storyfs('import', '--owner=101', dump, tmp_path / 'a.db')
    assert done.returncode == 0
    assert '101\tvader\tvader@deathstar.mil\tDarth Vader\towner\n' in \
        storyfs('user', 'list', tmp_path / 'a.db').stdout


def test_an_odd_owner_is_served_until_the_owners_change(dump, tmp_path, serve):
    story = dict(STAR['story'][0], owner_ids=[100, 101], owned_by_id=101)
    write_dump(dump, {'story': [story]})
    storyfs('import', dump, tmp_path / 'a.db', '--owner', '100')
    server = serve(tmp_path / 'a.db')
    ours = server.request('GET', '/stories/555').json()
    assert (ours['owner_ids'], ours['owned_by_id']) == ([100, 101], 101)
    ours = server.request('PUT', '/stories/555', body={'name': 'x', 'owner_ids': [100, 101]}).json()
    assert ours['owned_by_id'] == 101
    ours = server.request('PUT', '/stories/555', body={'owner_ids': [100]}).json()
    assert (ours['owner_ids'], ours['owned_by_id']) == ([100], 100)


def test_a_terminal_gets_a_bar(dump, tmp_path):
    master, slave = pty.openpty()
    process = subprocess.Popen([BIN, 'import', str(dump), str(tmp_path / 'a.db')], stderr=slave,
                               stdout=subprocess.PIPE, env=clean_env())
    os.close(slave)
    out, _ = process.communicate(timeout=DEADLINE)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert process.returncode == 0
    assert '100%' in shown and '[####' in shown
    assert '\n' not in shown.rstrip()
    assert b'story' in out


def test_a_token_is_shown_once_and_kept_as_a_digest(archive):
    token = storyfs('user', 'token', archive).stdout
    assert re.fullmatch(r'[0-9a-f]{32}\n', token)
    assert token != storyfs('user', 'token', archive).stdout
    assert token.strip() not in str(content(archive))


@pytest.mark.parametrize('who', ['101', 'vader', 'VADER', 'vader@deathstar.mil', 'darth vader'])
def test_a_person_is_found_by_any_name(archive, serve, who):
    assert serve(archive, person=who).request('GET', '/me').json()['id'] == 101


def test_a_name_of_two_people_is_not_guessed(dump, tmp_path):
    twins = [dict(STAR['person'][0], id=i, username=f'u{i}', email=f'e{i}@x') for i in (1, 2)]
    write_dump(dump, {'person': twins})
    storyfs('import', dump, tmp_path / 'a.db')
    done = storyfs('user', 'token', tmp_path / 'a.db', 'emperor palpatine')
    assert done.returncode == 1
    assert 'may be any of these; use the id:\n' in done.stderr
    assert 'id 1\n' in done.stderr and 'id 2\n' in done.stderr


def test_a_person_nobody_knows_gets_no_token(archive):
    done = storyfs('user', 'token', archive, 'luke')
    assert done.returncode == 1
    assert done.stdout == ''
    assert "there is nobody called 'luke' in the archive; there are:" in done.stderr


def test_an_import_reaches_a_server_that_runs(archive, serve, tmp_path):
    server = serve(archive)
    newer = dict(STAR['project'][0], version=6)
    story = dict(STAR['story'][1], name='The lid is on')
    done = storyfs('import', write_dump(tmp_path / 'newer', {'project': [newer], 'story': [story]}),
                   archive)
    assert done.returncode == 0, done.stderr
    answer = server.request('GET', '/projects/99/stories/556')
    assert answer.json()['name'] == 'The lid is on'
    assert answer.headers['X-Tracker-Project-Version'] == '6'


def test_what_was_changed_here_is_not_overwritten(archive, serve, dump):
    server = serve(archive)
    server.request('PUT', '/stories/555', body={'name': 'changed here'})
    done = storyfs('import', dump, archive)
    assert done.returncode == 0
    assert "project 99 (Death Star): the archive has version 6, newer than the dump's 5; " \
           'left as it is' in done.stdout
    assert server.request('GET', '/stories/555').json()['name'] == 'changed here'
