# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that speak nearly V5: each difference alone and all of them, found out or named. What is read, saved and made is
as of a V5 host, and is done once. STORYFS_TEST_DIALECT=1 runs the other tests against such a host (docs/hosts.md).
"""
import collections
import errno
import os
import re
import subprocess
import sys

import pytest

import dialect_host
import mounted
from badhost import BadHost
from conftest import ROOT, storyfs, write_dump
from dialect_host import ALL, DialectHost
from mounts import wait_until
from test_completion import offers

pytestmark = [pytest.mark.skipif(not mounted.can_mount(), reason='there is no /dev/fuse'),
              pytest.mark.skipif(dialect_host.wanted() is not None, reason='hosts are in a dialect anyway')]
P, STORY = 'projects/99', 'projects/99/stories/555'
FOUND = ['title', 'owners', 'bearer', 'pages', 'still', 'title+owners', 'owners+clause', 'bearer+doubt']
NAMED = ['clause', 'doubt', 'title+owners+bearer+pages+clause+doubt']


@pytest.fixture
def mounts(tmp_path):
    m = mounted.Mounts(tmp_path)
    yield m
    m.finish()


@pytest.fixture
def before(server):
    """Puts hosts with such differences before the server."""
    hosts = []

    def begin(differences, **more):
        hosts.append(DialectHost(server, differences, **more))
        return hosts[-1]

    yield begin
    for host in hosts:
        host.end()


def told(m):
    return dict(line.split(': ', 1) for line in (m / '.storyfs/status').read_text().splitlines())


def get(server, path):
    answer = server.request('GET', path)
    assert answer.status == 200, answer.body
    return answer.json()


def changes(server):
    """How often each value of a story's name and description was set, and each resource made."""
    found = collections.Counter()
    for item in get(server, f'/{P}/activity?limit=500'):
        for change in item['changes']:
            if change['change_type'] == 'create':
                found[change['kind']] += 1
            for key in ('name', 'description'):
                if change['kind'] == 'story' and key in change.get('new_values', {}):
                    found[change['new_values'][key]] += 1
    return found


def work(server, m):
    """What a person does in a morning, and what comes of it."""
    assert (m / STORY / 'name').read_text() == 'Bring me the passengers\n'
    assert (m / STORY / 'owners').read_text() == 'Darth Vader\n'
    assert len(os.listdir(m / P / 'search/label:rnd type:feature')) == 1
    assert os.listdir(m / P / 'search/label:rnd type:bug') == []
    (m / STORY / 'name').write_text('Bring me the wine\n')
    (m / STORY / 'description').write_text('red\n')
    (m / STORY / 'owners').write_text('Emperor Palpatine\nDarth Vader\n')
    os.mkdir(m / P / 'stories/Build the moat')
    (m / P / 'stories/Build the moat/description').write_text('deep\n')
    (m / STORY / 'comments/new').write_text('seen\n')
    (m / STORY / 'tasks/new').write_text('look\nlisten\n')
    story = get(server, f'/{STORY}')
    assert (story['name'], story['description'], set(story['owner_ids'])) == ('Bring me the wine', 'red', {100, 101})
    assert [c['text'] for c in get(server, f'/{STORY}/comments')] == ['seen']
    assert [t['description'] for t in get(server, f'/{STORY}/tasks')] == ['look', 'listen']
    made, = [s for s in get(server, f'/{P}/stories') if s['id'] not in (555, 556)]
    assert (made['name'], made['description']) == ('Build the moat', 'deep')
    assert changes(server) == {'Bring me the wine': 1, 'red': 1, 'deep': 1, 'Build the moat': 1, 'story': 1,
                               'comment': 1, 'task': 2}
    os.mkdir(m / P / 'search/passengers')
    assert [s['query'] for s in get(server, f'/{P}/my/searches')] == ['passengers']
    os.rmdir(m / P / 'search/passengers')
    assert get(server, f'/{P}/my/searches') == []
    os.rmdir(m / P / f'stories/{made["id"]}')
    assert {s['id'] for s in get(server, f'/{P}/stories')} == {555, 556}
    assert not [name for name in os.listdir(m / STORY) if name == '.error']


@pytest.mark.parametrize('words', FOUND)
def test_a_difference_is_found_out(server, before, mounts, words):
    host = before(words.split('+'), every=2)
    m = mounts(host.url, token=server.token)
    work(server, m)
    spoken = set(told(m)['dialect'].split('+'))
    if set(words.split('+')) <= {'pages', 'still'}:  # which need not be known
        assert spoken == {'v5'}
    else:
        assert spoken == set(words.split('+')) | {'doubt'}


@pytest.mark.parametrize('words', NAMED)
def test_a_difference_can_be_named(server, before, mounts, words):
    host = before(words.split('+'), every=1, strict=True)
    m = mounts(host.url, '--dialect', words, token=server.token)
    work(server, m)
    assert told(m)['dialect'] == ('nearly' if words == NAMED[-1] else words)


@pytest.mark.parametrize('every, dialect', [(1, 'auto'), (2, 'nearly'), (3, 'auto')])
def test_all_of_them_together(server, before, mounts, every, dialect):
    host = before(ALL, every=every, strict=every == 1)
    m = mounts(host.url, '-o', f'dialect={dialect}', token=server.token)
    work(server, m)
    assert host.n_doubtful >= host.n_writes // every > 0
    assert set(told(m)['dialect'].split('+')) in ({'nearly'}, {'title', 'owners', 'bearer', 'clause', 'doubt'})


def test_a_v5_host_is_asked_nothing_more(server, mounts):
    counts = []
    for options in (['--dialect=v5'], []):
        n = len(server.log())
        m = mounts(server.url, *options, '--refresh=0', token=server.token)
        done = m.run(f'grep -r passengers {P}/stories && echo other >{STORY}/description')
        assert done.returncode == 0, done.stderr
        with pytest.raises(OSError):
            (m / STORY / 'current_state').write_text('wrong\n')
        counts.append([(r['method'], r['path'], r['status']) for r in server.log()[n:]])
        assert told(m).get('dialect', 'v5') == 'v5'
        (m / STORY / 'description').write_text('as it was\n')
    assert sorted(counts[0]) == sorted(counts[1])


def test_every_save_is_done_once_whatever_is_answered(server, before, mounts):
    host = before(['doubt'], every=1)
    m = mounts(host.url, '--dialect=doubt', token=server.token)
    for i in range(6):
        (m / STORY / 'name').write_text(f'name {i}\n')
        (m / STORY / 'comments/new').write_text(f'comment {i}\n')
        (m / STORY / 'tasks/new').write_text('the same\n')
        (m / P / f'markdown/new{i}.md').write_text(f'# story {i}\n\ntext {i}\n')
        os.mkdir(m / P / f'labels/label {i}')
    assert host.n_doubtful == host.n_writes >= 30
    assert [c['text'] for c in get(server, f'/{STORY}/comments')] == [f'comment {i}' for i in range(6)]
    assert [t['description'] for t in get(server, f'/{STORY}/tasks')] == ['the same'] * 6
    found = changes(server)
    assert all(found[f'{what} {i}'] == 1 for what in ('name', 'story', 'text') for i in range(6)), found
    assert {s['name'] for s in get(server, f'/{P}/stories')} == {
        'name 5', 'All exhaust ports need a lid', *(f'story {i}' for i in range(6))}
    last = get(server, f'/{P}/stories')[-1]['id']
    done = m.run(f'cd {P}/panels/icebox && mv *-{last}-* 1-x && ls')
    assert done.returncode == 0 and done.stdout.startswith(f'1-{last}-'), done
    assert get(server, f'/{P}/stories')[-1]['id'] != last
    assert {f'label {i}' for i in range(6)} <= {label['name'] for label in get(server, f'/{P}/labels')}


def test_what_was_made_where_nothing_was_looked_at_is_made_once(server, before, mounts):
    """The first thing that a mount does in these places is to write."""
    host = before(['doubt'], every=1)
    for path in ('comments', 'tasks', 'blockers'):
        m = mounts(host.url, '--dialect=doubt', '--no-cache', token=server.token)
        (m / STORY / path / 'new').write_text('once\n')
        assert len(get(server, f'/{STORY}/{path}')) == 1
    m = mounts(host.url, '--dialect=doubt', '--no-cache', token=server.token)
    os.mkdir(m / P / 'stories/Once')
    assert [s['name'] for s in get(server, f'/{P}/stories')].count('Once') == 1


def test_a_write_that_failed_is_not_believed_either(server, before, mounts):
    bad = BadHost(server)
    host = DialectHost(bad, ALL, every=1)
    try:
        m = mounts(host.url, token=server.token)
        assert (m / STORY / 'name').read_text()
        bad.be('html')
        with pytest.raises(OSError):
            (m / STORY / 'name').write_text('lost\n')
        with pytest.raises(OSError):
            (m / STORY / 'comments/new').write_text('lost\n')
        bad.be('well')
        assert 'name' in (m / STORY / '.error').read_text()
        assert get(server, f'/{STORY}/comments') == [] and changes(server) == {}
        assert wait_until(lambda: (m / STORY / 'name').read_text() == 'Bring me the passengers\n')
        (m / STORY / 'name').write_text('found\n')
        assert changes(server) == {'found': 1}
    finally:
        host.end()
        bad.end()


def test_owners_that_change_without_a_time_are_seen(server, before, mounts):
    host = before(ALL, every=10**6)
    m = mounts(host.url, '--refresh=1', token=server.token)
    other = mounts(host.url, '--refresh=1', token=server.token)
    for mount in (m, other):
        assert (mount / STORY / 'owners').read_text() == 'Darth Vader\n'
    at = (m / STORY / 'updated_at').read_text()
    times = [os.stat(other / STORY / 'owners').st_mtime_ns, os.stat(other / P / 'markdown/555.md').st_mtime_ns]
    assert 'Palpatine' not in (other / P / 'markdown/555.md').read_text()
    (m / STORY / 'owners').write_text('Emperor Palpatine\n')
    for mount in (m, other):
        assert wait_until(lambda: (mount / STORY / 'owners').read_text() == 'Emperor Palpatine\n')
        assert (mount / STORY / 'updated_at').read_text() == at
    assert 'Palpatine' in (other / P / 'markdown/555.md').read_text()
    now = [os.stat(other / STORY / 'owners').st_mtime_ns, os.stat(other / P / 'markdown/555.md').st_mtime_ns]
    assert now[0] > times[0] and now[1] > times[1]


def test_two_who_change_owners_conflict(server, before, mounts):
    host = before(ALL, every=2)
    m = mounts(host.url, '--refresh=0', token=server.token)
    assert (m / STORY / 'owners').read_text() == 'Darth Vader\n'
    assert server.request('PUT', f'/{STORY}', {'owner_ids': [100]}).status == 200
    with pytest.raises(OSError) as e:
        (m / STORY / 'owners').write_text('Darth Vader\nEmperor Palpatine\n')
    assert e.value.errno == errno.EBUSY and told(m)['conflicts'] == '1'
    assert get(server, f'/{STORY}')['owner_ids'] == [100]


def test_what_happened_is_told_in_v5s_words(server, before, mounts):
    """Also where nothing was asked for but that."""
    assert server.request('PUT', f'/{STORY}', {'name': 'other', 'owner_ids': [100]}).status == 200
    m = mounts(before(ALL).url, '--no-cache', token=server.token)
    assert 'story.name' in (m / 'my/activity').read_text() and 'story.owner_ids' in (m / P / 'activity').read_text()
    assert {'title', 'owners'} <= set(told(m)['dialect'].split('+'))


@pytest.mark.parametrize('strict', [False, True])
def test_pages_of_fifty(archive, serve, tmp_path, mounts, strict):
    stories = [{'kind': 'story', 'id': 1000 + i, 'project_id': 99, 'name': f'Story {i}', 'story_type': 'chore',
                'current_state': 'unstarted', 'owner_ids': [], 'labels': [], 'requested_by_id': 100,
                'created_at': '2014-01-02T00:00:00Z', 'updated_at': '2014-01-02T00:00:00Z'} for i in range(620)]
    done = storyfs('import', write_dump(tmp_path / 'more', {'story': stories}), archive)
    assert done.returncode == 0, done.stderr
    server = serve(archive)
    host = DialectHost(server, ['pages', 'title'], strict=strict)
    try:
        m = mounts(host.url, '--refresh=0', token=server.token)
        assert len(os.listdir(m / P / 'stories')) == 622
        assert (m / P / 'stories/1619/name').read_text() == 'Story 619\n'
        assert os.listdir(m / P / 'stories/1619/comments') == ['new']
        asked = [path for _, path in host.asked if 'limit=' in path]
        assert sum('limit=500' in path for path in asked) <= 2
        assert len(asked) <= 2 * 13 + 3, asked
    finally:
        host.end()


def test_a_mount_that_has_all_in_its_cache_makes_a_story_first(server, before, mounts, tmp_path):
    host = before(ALL, every=2)
    first = mounts(host.url, token=server.token, cache=tmp_path / 'kept')
    assert (first / STORY / 'name').read_text() == 'Bring me the passengers\n'
    assert wait_until(lambda: list((tmp_path / 'kept').rglob('*')))
    assert first.stop() == 0
    second = mounts(host.url, token=server.token, cache=tmp_path / 'kept')
    os.mkdir(second / P / 'stories/At once')
    assert [s['name'] for s in get(server, f'/{P}/stories')].count('At once') == 1


@pytest.mark.parametrize('dialect', ['auto', 'nearly'])
def test_a_clone(server, before, tmp_path, dialect):
    host = before(ALL, strict=True)
    token = tmp_path / 'token'
    token.write_text(server.token)
    token.chmod(0o600)
    done = storyfs('clone', '--token-file', token, '--dialect', dialect, host.url, tmp_path / 'c.db')
    assert done.returncode == 0, done.stderr
    for path, text in (('name', 'Bring me the passengers\n'), ('owners', 'Darth Vader\n')):
        assert storyfs('cat', tmp_path / 'c.db', f'{STORY}/{path}').stdout == text


def test_words(server, tmp_path):
    words = re.findall(r'^(?:DIFFERENCE|DIALECT)\((\w+),', (ROOT / 'src/api/dialects.def').read_text(), re.M)
    assert len(words) == 8
    assert sorted(offers('mount', '--dialect', '')) == sorted(['auto', *words])
    hosts = (ROOT / 'docs/hosts.md').read_text()
    assert [word for word in words if f'`{word}`' not in hosts] == []
    token = tmp_path / 'token'
    token.write_text(server.token)
    token.chmod(0o600)
    done = storyfs('ls', '--token-file', token, '--dialect=title+quantum', server.url, 'me')
    assert done.returncode == 1 and "'quantum'" in done.stderr and 'title+bearer' in done.stderr
    done = storyfs('cat', '--token-file', token, '--dialect=v5', server.url, 'me/name')
    assert (done.returncode, done.stdout) == (0, 'Emperor Palpatine\n')


# Of trees, saves, conflicts, documents and making; all of them take minutes.
SELECTED = ' or '.join((
    'test_undo', 'of_the_file_and_of_the_host', 'mkdir_makes', 'new_files_make', 'rmdir_deletes',
    'test_a_save_over_another_value', 'test_lines_that_are_moved', 'that_saves_twice', 'what_others_changed_meanwhile'))
FILES = ('test_undo.py', 'test_tree.py', 'test_create.py', 'test_conflicts.py', 'test_markdown.py')


def test_some_of_the_other_tests_pass_in_a_dialect():
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', *FILES, '-k', SELECTED],
        cwd=ROOT / 'tests/e2e',
        env={**os.environ, 'STORYFS_TEST_DIALECT': '1'}, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
