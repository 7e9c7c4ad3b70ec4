# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs clone`: a host becomes an archive that answers as the host does."""
import json
import pathlib
import shutil
import sqlite3

import pytest

from badhost import BadHost
from conftest import Server, clean_env, storyfs

PNG = bytes(range(256)) * 1200

LISTS = ['', '/memberships', '/labels', '/epics?fields=:default,follower_ids,comments(:default,file_attachments)',
         '/stories?limit=100&fields=:default,follower_ids,owner_ids,label_ids,blocked_story_ids,before_id,tasks,'
         'comments(:default,file_attachments,reactions),blockers,reviews,pull_requests,branches,cicd_events',
         '/story_transitions?limit=100', '/activity?limit=100', '/iterations?limit=100', '/releases',
         '/review_types', '/story_templates', '/my/searches']


def upload(server, project=99):
    body = (b'--x\r\nContent-Disposition: form-data; name="file"; filename="plan.bin"\r\n\r\n' + PNG +
            b'\r\n--x--\r\n')
    answer = server.request('POST', f'/projects/{project}/uploads', body,
                            {'Content-Type': 'multipart/form-data; boundary=x'})
    assert answer.status == 200, answer.body
    return answer.json()


def make(server, path, body, method='POST'):
    answer = server.request(method, path, body)
    assert answer.status == 200, (path, answer.body)
    return answer.json()


@pytest.fixture(scope='module')
def full_archive(star_archive, tmp_path_factory):
    """One that holds something of everything, in two projects."""
    base = tmp_path_factory.mktemp('full')
    archive = pathlib.Path(shutil.copy(star_archive, base / 'a.db'))
    token = storyfs('user', 'token', archive).stdout.strip()
    server = Server(archive)
    server.token = token
    p, s = '/projects/99', '/projects/99/stories/555'
    make(server, f'{s}/tasks', {'description': 'look'})
    make(server, f'{s}/comments', {'text': 'seen', 'file_attachments': [upload(server)]})
    comment = make(server, f'{s}/comments', {'text': 'again'})
    make(server, f'{s}/comments/{comment["id"]}/reactions', {'emoji': 'wave'})
    make(server, f'{s}/blockers', {'description': 'waits for #556'})
    kind = make(server, f'{p}/review_types', {'name': 'Safety'})
    make(server, f'{s}/reviews', {'review_type_id': kind['id'], 'reviewer_id': 101})
    make(server, f'{s}/pull_requests', {'original_url': 'https://github.com/a/b/pull/4'})
    make(server, f'{s}/branches', {'original_url': 'https://github.com/a/b/tree/fix', 'name': 'fix'})
    epic = make(server, f'{p}/epics', {'name': 'Moon'})
    make(server, f'{p}/epics/{epic["id"]}/comments', {'text': 'far'})
    make(server, f'{p}/story_templates', {'name': 'Template'})
    make(server, f'{p}/my/searches', {'name': 'mine', 'query': 'owner:EP'})
    for i in range(6):
        make(server, f'{p}/stories', {'name': f'Story {i}', 'before_id': 555})
    make(server, f'{p}/stories', {'name': 'R1', 'story_type': 'release', 'current_state': 'unstarted'})
    make(server, s, {'current_state': 'started'}, 'PUT')
    current, = server.request('GET', f'{p}/iterations?scope=current').json()
    make(server, f'{p}/iteration_overrides/{current["number"]}', {'length': 2, 'team_strength': 0.5}, 'PUT')
    other = make(server, '/projects', {'name': 'Second'})
    make(server, f'/projects/{other["id"]}/stories', {'name': 'One'})
    assert server.stop() == 0
    return archive


@pytest.fixture
def host(full_archive, tmp_path, serve):
    return serve(shutil.copy(full_archive, tmp_path / 'host.db'))


def clone(url, token, archive, *args, **more):
    return storyfs('clone', url, archive, *args, env={**clean_env(), 'STORYFS_TOKEN': token}, **more)


def answers(server, projects):
    """All that the lists say."""
    found = {}
    for project in projects:
        for path in LISTS:
            answer = server.request('GET', f'/projects/{project}{path}')
            assert answer.status == 200, (path, answer.body)
            found[project, path] = answer.json()
    found['me'] = {k: v for k, v in server.request('GET', '/me').json().items()
                   if k in ('id', 'name', 'email', 'initials', 'username')}
    return found


def ids(server):
    return [p['id'] for p in server.request('GET', '/projects').json()]


def assert_equal(host, archive, serve, projects=None):
    copy = serve(archive)
    projects = projects or ids(host)
    assert ids(copy) == projects
    a, b = answers(host, projects), answers(copy, projects)
    for key, value in a.items():
        assert b[key] == value, key
    return copy


def test_a_clone_equals_its_host(host, tmp_path, serve):
    done = clone(host.url, host.token, tmp_path / 'c.db', '--page-limit', 5)
    assert done.returncode == 0, done.stderr
    copy = assert_equal(host, tmp_path / 'c.db', serve)
    stories = copy.request('GET', '/projects/99/stories?limit=100&fields=comments(file_attachments)').json()
    file, = [f for s in stories for c in s['comments'] for f in c['file_attachments']]
    assert copy.request('GET', f'/file_attachments/{file["id"]}/download').body == PNG
    assert not (tmp_path / 'c.db.clone').exists()
    assert 'clone: ' in done.stderr and '\r' not in done.stderr
    assert 'not cloned: webhooks' in done.stdout


@pytest.fixture
def cloned(host, tmp_path):
    """A clone of the host that is up to date."""
    done = clone(host.url, host.token, tmp_path / 'c.db')
    assert done.returncode == 0, done.stderr
    return tmp_path / 'c.db'


def test_a_clone_again_asks_who_and_what_moved(host, cloned):
    before = len(host.log())
    done = clone(host.url, host.token, cloned)
    assert done.returncode == 0, done.stderr
    assert [line['path'].split('?')[0].split('/v5')[-1] for line in host.log()[before:]] == ['/me', '/projects']
    assert 'nothing changed' in done.stdout


def test_what_changed_and_went_at_the_host_does_here(host, cloned, serve):
    s = '/projects/99/stories'
    comments = host.request('GET', f'{s}/555/comments?fields=id,file_attachments').json()
    make(host, f'{s}/555', {'name': 'Other', 'description': None}, 'PUT')
    assert host.request('DELETE', f'{s}/556').status == 204
    holder, = [c['id'] for c in comments if c['file_attachments']]
    assert host.request('DELETE', f'{s}/555/comments/{holder}').status == 204
    task, = host.request('GET', f'{s}/555/tasks').json()
    assert host.request('DELETE', f'{s}/555/tasks/{task["id"]}').status == 204
    make(host, f'{s}', {'name': 'New', 'labels': ['fresh']})
    before = len(host.log())
    done = clone(host.url, host.token, cloned)
    assert done.returncode == 0, done.stderr
    # Who, which, the project, and each of its ten lists: nothing of the project that stayed, no file.
    assert len(host.log()) - before == 13
    assert_equal(host, cloned, serve)
    with sqlite3.connect(cloned) as db:
        assert db.execute('SELECT count(*) FROM file_bytes').fetchone() == (0,)


def test_a_file_that_is_here_is_not_fetched_again(host, cloned, serve):
    make(host, '/projects/99/stories/555', {'name': 'Other'}, 'PUT')
    before = len(host.log())
    assert clone(host.url, host.token, cloned).returncode == 0
    assert not [line for line in host.log()[before:] if 'download' in line['path']]
    copy = assert_equal(host, cloned, serve)
    assert copy.request('GET', '/file_attachments/1/download').body == PNG


def test_a_project_that_was_changed_here_is_left(host, cloned, serve):
    copy = serve(cloned)
    make(copy, '/projects/99/stories/555', {'name': 'Mine'}, 'PUT')
    make(host, '/projects/99/stories/555', {'estimate': 3}, 'PUT')
    for _ in range(2):
        done = clone(host.url, host.token, cloned)
        assert done.returncode == 0, done.stderr
        assert 'project 99: it was changed in the archive' in done.stdout
    story = copy.request('GET', '/projects/99/stories/555').json()
    assert (story['name'], story['estimate']) == ('Mine', 2)


def test_named_projects_alone_are_cloned(host, tmp_path, serve):
    done = clone(host.url, host.token, tmp_path / 'c.db', '--project', 'second', '--json')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)['read']['project'] == 1
    copy = serve(tmp_path / 'c.db')
    found, = copy.request('GET', '/projects').json()
    assert found['name'] == 'Second'
    assert answers(host, [found['id']]) == answers(copy, [found['id']])


def test_a_project_that_is_not_there_is_said(host, tmp_path):
    done = clone(host.url, host.token, tmp_path / 'c.db', '--project', 'Secnod')
    assert done.returncode == 1 and "no project 'Secnod'" in done.stderr
    assert not (tmp_path / 'c.db').exists()


@pytest.mark.parametrize('token, words', [('wrong', 'authentication'), ('', 'no token was given')])
def test_a_token_that_is_refused(host, tmp_path, token, words):
    done = clone(host.url, token, tmp_path / 'c.db')
    assert done.returncode == 1 and words in done.stderr.lower()
    assert not (tmp_path / 'c.db').exists()


def test_a_path_is_no_host(archive, tmp_path):
    done = storyfs('clone', archive, tmp_path / 'c.db')
    assert done.returncode == 1 and 'not a URL' in done.stderr


class Halting(BadHost):
    """Passes some requests on; the next one meets what `then` does, and no answer."""

    def let(self, n, then):
        self.left, self.then = n, then
        self.be('few')

    def few(self, h):
        with self.lock:
            self.left -= 1
            left = self.left
        if left >= 0:
            self.paths.append(h.path)
            return self.well(h)
        if left == -1:
            self.then()
        h.close_connection = True


@pytest.fixture
def halting(host):
    proxy = Halting(host)
    proxy.paths = []
    yield proxy
    proxy.end()


def test_a_server_that_dies_three_times(host, halting, full_archive, tmp_path, serve):
    archive = tmp_path / 'c.db'
    for n in (4, 7, 9):
        halting.let(n, halting.to.kill)
        done = clone(halting.url, host.token, archive, '--page-limit', 5)
        assert done.returncode == 1
        assert 'call it again and it goes on' in done.stderr
        assert not archive.exists()
        halting.to = serve(tmp_path / 'host.db', log=tmp_path / f'again-{n}.log')
    # No secret lies there, nothing is for others to read, and of a list that is whole no page.
    staged = [p for p in (tmp_path / 'c.db.clone').rglob('*') if p.is_file()]
    assert staged and not any(host.token.encode() in p.read_bytes() for p in staged)
    assert all(p.stat().st_mode & 0o077 == 0 for p in staged)
    assert not [p for p in staged if p.with_name(f"{p.name.split('.')[1]}.json").exists() and p.name[0] == '.']
    halting.be('well')
    halting.well = lambda h: (halting.paths.append(h.path), BadHost.well(halting, h))
    done = clone(halting.url, host.token, archive, '--page-limit', 5)
    assert done.returncode == 0, done.stderr
    pages = [p for p in halting.paths if '/projects/' in p and not p.endswith(('/99', '/100'))]
    assert len(pages) == len(set(pages)), 'asked for twice'
    assert_equal(halting.to, archive, serve)
    assert not (tmp_path / 'c.db.clone').exists()


def test_a_project_that_moves_meanwhile(host, halting, tmp_path, serve):
    def go_on():
        make(host, '/projects/99/stories/556', {'name': 'Moved'}, 'PUT')
        halting.be('well')

    halting.let(6, go_on)
    done = clone(halting.url, host.token, tmp_path / 'c.db', '--page-limit', 5)
    assert done.returncode == 0, done.stderr
    assert_equal(host, tmp_path / 'c.db', serve)


def test_an_archive_that_comes_meanwhile_is_left(host, halting, full_archive, tmp_path):
    archive = tmp_path / 'c.db'

    def go_on():
        shutil.copy(full_archive, archive)
        halting.be('well')

    halting.let(6, go_on)
    done = clone(halting.url, host.token, archive)
    assert done.returncode == 1
    assert f'{archive}: File exists\n' in done.stderr and 'call it again and it goes on' in done.stderr
    assert archive.read_bytes() == full_archive.read_bytes()


def test_a_page_that_is_html(host, halting, tmp_path):
    halting.be('html')
    done = clone(halting.url, host.token, tmp_path / 'c.db', '--timeout', '1')
    assert done.returncode == 1 and 'Down for maintenance' in done.stderr


def test_a_host_that_wants_us_to_wait(host, halting, tmp_path):
    halting.be('busy')
    done = clone(halting.url, host.token, tmp_path / 'c.db', '--timeout', '2')
    assert done.returncode == 1 and '429' in done.stderr


def test_a_staging_folder_that_cannot_be(host, tmp_path):
    (tmp_path / 'c.db.clone').symlink_to('/dev/full')
    done = clone(host.url, host.token, tmp_path / 'c.db')
    assert done.returncode == 1 and 'c.db.clone' in done.stderr
