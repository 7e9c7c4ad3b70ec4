# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree on a real mount: what it shows, what it costs, and that every way to it shows the same."""
import json
import math
import os
import pathlib
import re
import subprocess

import pytest

import conftest
import mounted

DATA = pathlib.Path(os.environ.get('STORYFS_V5_DATA', conftest.ROOT / '..' / 'shared' / 'data'))
DEMO = conftest.ROOT / 'packaging' / 'demo-data'
NEEDS_DATA = pytest.mark.skipif(not (DATA / 'dump').is_dir(), reason=f'no recorded data in {DATA}')

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')


@pytest.fixture
def mount(tmp_path):
    mounts = mounted.Mounts(tmp_path)
    yield mounts
    mounts.finish()


def import_folders(archive, *folders):
    done = conftest.storyfs('import', *folders, archive)
    assert done.returncode == 0, done.stderr
    return archive


def demo(tmp_path):
    folders = sorted(p for p in DEMO.iterdir() if p.is_dir())
    return import_folders(tmp_path / 'demo.db', *folders)


def as_text(value):
    """What a field's file holds, by the rules of the README and not by the program's tables."""
    if isinstance(value, bool):
        return 'true\n' if value else 'false\n'
    if isinstance(value, (int, float)):
        return f'{value:g}\n' if isinstance(value, float) else f'{value}\n'
    if isinstance(value, list):
        return ''.join(as_text(v['name'] if isinstance(v, dict) else v) for v in value)
    return value + '\n' if value else ''


def check_story(folder, story):
    """Each field that the dump's story has is a file with just that; returns how many."""
    n = 0
    for key, value in story.items():
        nested = isinstance(value, dict) or (
            isinstance(value, list) and value and isinstance(value[0], dict) and key != 'labels')
        if key == 'kind' or nested:
            continue
        if isinstance(value, list) and not value and not (folder / key).exists():
            continue  # an empty list of what only comes on request
        path = folder / key
        if path.is_dir():
            continue
        expected = as_text(value).encode()
        assert path.read_bytes() == expected, f'{path} of {story["id"]}'
        assert path.stat().st_size == len(expected)
        n += 1
    for key in ('description', 'estimate', 'accepted_at', 'deadline'):
        if key not in story:
            assert (folder / key).read_bytes() == b''
    return n


@NEEDS_DATA
@pytest.mark.parametrize('name,stories', [('1027488_my-sample-project', 103),
                                          ('742821_av-localsupport', 581)])
def test_every_field_of_every_story_is_what_the_service_said(name, stories, tmp_path, mount):
    archive = import_folders(tmp_path / 'a.db', DATA / 'dump' / name, DATA / 'dump' / 'people')
    m = mount(archive)
    dump = json.loads((DATA / 'dump' / name / 'story.json').read_text(encoding='utf-8'))
    base = m / 'projects' / name.split('_')[0] / 'stories'
    assert sorted(os.listdir(base)) == sorted(str(s['id']) for s in dump)
    n = sum(check_story(base / str(s['id']), s) for s in dump)
    assert len(dump) == stories and n > 11 * stories


def test_every_field_of_every_demo_story_is_what_the_dump_says(tmp_path, mount):
    m = mount(demo(tmp_path))
    for folder in DEMO.glob('*_*'):
        dump = json.loads((folder / 'story.json').read_text(encoding='utf-8'))
        base = m / 'projects' / folder.name.split('_')[0] / 'stories'
        assert sorted(os.listdir(base)) == sorted(str(s['id']) for s in dump)
        for story in dump:
            check_story(base / str(story['id']), story)


def test_comments_tasks_and_people_are_files_too(tmp_path, mount):
    m = mount(demo(tmp_path))
    folder = next(DEMO.glob('*_common-shed'))
    base = m / 'projects' / folder.name.split('_')[0]
    people = {p['id']: p['name']
              for p in json.loads((DEMO / 'people' / 'person.json').read_text(encoding='utf-8'))}
    for kind, key in (('comment', 'text'), ('task', 'description')):
        for item in json.loads((folder / f'{kind}.json').read_text(encoding='utf-8')):
            parent = (base / 'stories' / str(item['story_id']) if 'story_id' in item
                      else base / 'epics' / str(item['epic_id']))
            path = parent / f'{kind}s' / str(item['id'])
            assert (path / key).read_text(encoding='utf-8') == as_text(item[key])
            if kind == 'comment':
                assert (path / 'person').read_text(encoding='utf-8') == (
                    people[item['person_id']] + '\n')
            else:
                assert (path / 'complete').read_text() == as_text(item['complete'])
    for story in json.loads((folder / 'story.json').read_text(encoding='utf-8')):
        owners = (base / 'stories' / str(story['id']) / 'owners').read_text(encoding='utf-8')
        assert owners == ''.join(people[i] + '\n' for i in story['owner_ids'])


def test_projects_are_found_by_name(tmp_path, mount):
    m = mount(demo(tmp_path))
    for name in os.listdir(m / 'by-name'):
        assert (m / 'by-name' / name / 'name').read_text(encoding='utf-8').strip() == name
    assert len(os.listdir(m / 'by-name')) == len(os.listdir(m / 'projects')) > 1


def test_attributes_are_honest(tmp_path, mount):
    m = mount(demo(tmp_path))
    story = next((m / 'projects').glob('*/stories/*'))
    assert (story / 'name').stat().st_mode & 0o222
    assert not (story / 'url').stat().st_mode & 0o222
    updated = (story / 'updated_at').read_text().strip()
    shown = subprocess.run(['date', '-u', '-r', story / 'name', '+%Y-%m-%dT%H:%M:%SZ'],
                           capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    assert shown == updated
    df = subprocess.run(['df', '--output=source,fstype', m.path], capture_output=True, text=True,
                        check=True, timeout=10).stdout
    assert 'fuse.storyfs' in df
    numbers = {p: os.stat(p).st_ino for p in [story, story / 'name', m / 'projects']}
    assert len(set(numbers.values())) == len(numbers)


def test_inode_numbers_are_the_same_in_every_mount(tmp_path, mount):
    archive = demo(tmp_path)
    listing = 'find . -printf "%p %i\\n" | sort'
    first, second = mount(archive), mount(archive)
    assert first.run(listing).stdout == second.run(listing).stdout
    assert len(first.run(listing).stdout.splitlines()) > 500


def test_a_mount_of_the_file_and_of_the_host_are_the_same(tmp_path, mount, serve):
    archive = demo(tmp_path)
    server = serve(archive)
    local, remote = mount(archive), mount(server.url, '-o', 'no_cache', token=server.token)
    # Their `.storyfs/status` differ in when they looked.
    done = subprocess.run(['diff', '-r', '--no-dereference', '-x', 'status', local.path, remote.path],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[:2000]
    for m in (local, remote):
        assert m.run('find . | wc -l').stdout == local.run('find . | wc -l').stdout


@NEEDS_DATA
def test_the_recorded_projects_look_the_same_both_ways(tmp_path, mount, serve):
    archive = import_folders(tmp_path / 'a.db', *sorted((DATA / 'dump').iterdir()))
    server = serve(archive)
    local, remote = mount(archive), mount(server.url, '-o', 'no_cache', token=server.token)
    # The files that were attached are not in the dump: they are listed, and cannot be read.
    done = subprocess.run(['diff', '-r', '--no-dereference', '-x', 'status', '-x', 'attachments', local.path, remote.path],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[:2000]
    attached = 'find projects -path "*/attachments*" -printf "%p %y %s %l\\n" | sort'
    assert local.run(attached).stdout == remote.run(attached).stdout
    assert len(local.run('find projects -path "*/stories/*/attachments/*"').stdout.splitlines()) > 0
    assert len(os.listdir(remote / 'projects')) == 3


@pytest.mark.parametrize('page_limit', [7, 500])
def test_requests_depend_on_pages_alone(tmp_path, mount, serve, page_limit):
    archive = demo(tmp_path)
    server = serve(archive)
    m = mount(server.url, '--refresh=0', f'--page-limit={page_limit}', token=server.token)
    everything = 'find . | wc -l; grep -r tool projects/*/stories | wc -l'
    first = m.run(everything)
    n_first = len(server.log())
    second = m.run(everything)
    n_second = len(server.log()) - n_first
    stories = [len(os.listdir(m / 'projects' / p / 'stories')) for p in os.listdir(m / 'projects')]
    # me, projects; a project: labels, memberships, epics, and comments and attachments of epics if any,
    # the current iteration, saved searches;
    # for each page of stories: the stories, their attachments, and, since a second kind is looked at, the
    # rest of what is nested together: comments, tasks, blockers, reviews.
    with_epics = sum(bool(os.listdir(m / 'projects' / p / 'epics'))
                     for p in os.listdir(m / 'projects'))
    # Of each also review types, story templates, integrations, and the pages of iterations and
    # releases; workspaces and notifications.
    pages = sum(max(1, math.ceil(len(os.listdir(m / 'projects' / p / kind)) / page_limit))
                for p in os.listdir(m / 'projects') for kind in ('iterations', 'releases'))
    expected = 4 + 2 * with_epics + pages + sum(8 + 3 * math.ceil(n / page_limit) for n in stories)
    print(f'page limit {page_limit}: {n_first} requests, then {n_second}')
    assert first.stdout == second.stdout and int(first.stdout.split()[0]) > 500
    assert n_first == expected
    assert n_second == 0


def test_the_two_calls_of_the_announcement_work(tmp_path, mount, serve):
    archive = demo(tmp_path)
    server = serve(archive)
    m = mount(server.url, '--refresh=1', token=server.token)
    story = next(p for p in sorted((m / 'projects').glob('*/stories/*'))
                 if (p / 'owned_by_id').stat().st_size and (p / 'estimate').stat().st_size)
    sid, project = story.name, story.parts[-3]

    def curl(*args):
        done = subprocess.run(['curl', '-sS', *args], capture_output=True, text=True, timeout=30,
                              check=True)
        return json.loads(done.stdout)

    got = curl('-X', 'GET', '-H', f'X-TrackerToken: {server.token}',
               f'{server.url}/stories/{sid}?fields=name,description,estimate,owned_by(name)')
    assert set(got) == {'id', 'name', 'estimate', 'owned_by'} | (
        {'description'} if (story / 'description').stat().st_size else set())
    assert set(got['owned_by']) == {'id', 'name'}
    got = curl('-X', 'PUT', '-H', f'X-TrackerToken: {server.token}', '-H',
               'Content-Type: application/json', '-d', '{"name": "That\'s no moon..."}',
               f'{server.url}/projects/{project}/stories/{sid}')
    assert got['name'] == "That's no moon..."
    shown = subprocess.run(
        ['sh', '-c', 'for i in $(seq 300); do grep -q moon name && break; sleep 0.1; done; cat name'],
        cwd=story, capture_output=True, text=True, timeout=60, check=True).stdout
    assert shown == "That's no moon...\n"


def test_ls_and_cat_show_what_a_mount_shows(tmp_path, mount):
    archive = demo(tmp_path)
    m = mount(archive)
    for folder in ('', 'projects', 'by-name', 'me'):
        listed = conftest.storyfs('ls', archive, folder)
        assert listed.returncode == 0, listed.stderr
        assert sorted(listed.stdout.splitlines()) == sorted(os.listdir(m / folder))
    story = next((m / 'projects').glob('*/stories/*')).relative_to(m.path)
    listed = conftest.storyfs('ls', archive, story)
    assert sorted(listed.stdout.splitlines()) == sorted(os.listdir(m / story))
    files = [story / n for n in os.listdir(m / story) if (m / story / n).is_file()]
    printed = conftest.storyfs('cat', archive, *files)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout == ''.join((m / f).read_text(encoding='utf-8') for f in files)
    by_name = f'by-name/{os.listdir(m / "by-name")[0]}/name'
    assert conftest.storyfs('cat', archive, by_name).stdout == (m / by_name).read_text(
        encoding='utf-8')


def test_what_is_not_there_is_said(tmp_path):
    for words in (('ls', 'none.db'), ('cat', 'ftp://x/y', 'me'), ('mount', 'none.db', tmp_path)):
        done = conftest.storyfs(*words)
        assert done.returncode == 1
        assert done.stderr == f'storyfs: {words[0]}: {words[1]}: No such file or directory ' \
            '(an archive is a file made by `storyfs import`, a host begins with https://)\n'
    archive = demo(tmp_path)
    done = conftest.storyfs('cat', archive, 'projects/1/name')
    assert done.returncode == 1 and 'projects/1/name: No such file or directory' in done.stderr
    done = conftest.storyfs('cat', archive, 'projects')
    assert done.returncode == 1 and 'Is a directory' in done.stderr


def test_the_token_is_nowhere(tmp_path, mount, serve):
    archive = demo(tmp_path)
    server = serve(archive)
    m = mount(server.url, '-v', token=server.token)
    m.run('find . -type f -exec cat {} + >/dev/null')
    assert m.run(f'grep -r {server.token} .').returncode == 1
    for name in ('environ', 'cmdline'):
        with open(f'/proc/{m.process.pid}/{name}', 'rb') as f:
            assert server.token.encode() not in f.read()
    assert server.token not in m.said()
    assert not (m / 'me' / 'api_token').exists()
    log = pathlib.Path(server.log_path).read_text(encoding='utf-8')
    assert server.token not in log and re.search('"GET"', log)


def in_background(folder, *args, env=None):
    """What `storyfs mount` says, started where its files are; unmounted again."""
    path = folder / 'background'
    path.mkdir(exist_ok=True)
    done = subprocess.run([conftest.BIN, 'mount', *map(str, args), path.name], cwd=folder,
                          env=env or conftest.clean_env(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    me = (path / 'me' / 'name').read_text() if done.returncode == 0 else None
    if done.returncode == 0:
        assert conftest.storyfs('umount', path).returncode == 0
    return done, me


def test_files_are_named_from_where_the_command_is_given(tmp_path, serve):
    server = serve(demo(tmp_path))
    (tmp_path / 'token').write_text(server.token)
    (tmp_path / 'token').chmod(0o600)
    done, me = in_background(tmp_path, '--token-file', 'token', server.url)
    assert done.returncode == 0, done.stderr
    assert me == 'Gus Lindqvist\n'


def test_a_missing_token_is_said(tmp_path, serve):
    server = serve(demo(tmp_path))
    done, _ = in_background(tmp_path, server.url)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('no token was given; see --token-file')
    done, _ = in_background(tmp_path, '--token-file', 'nowhere', server.url)
    assert done.returncode == 1
    assert f'token file {tmp_path}/nowhere: No such file or directory\n' in done.stderr
    assert done.stderr.endswith(f'{server.url}: there is no token to send\n')


def test_a_mount_whose_process_was_killed_is_replaced(tmp_path, mount):
    archive = demo(tmp_path)
    m = mount(archive)
    m.run('cat me/name; stat .')
    m.process.kill()
    m.process.wait(60)
    done = conftest.storyfs('mount', archive, m.path)
    try:
        assert done.returncode == 0, done.stderr
        assert (m / 'me' / 'name').read_text() == 'Gus Lindqvist\n'
    finally:
        assert conftest.storyfs('umount', m.path).returncode == 0


def test_fstabs_form_takes_a_file_of_the_working_directory(tmp_path):
    archive = demo(tmp_path)
    (tmp_path / 'mnt').mkdir()
    done = subprocess.run([conftest.BIN, archive.name, 'mnt', '-o', 'ro'], cwd=archive.parent,
                          env=conftest.clean_env(), capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert conftest.storyfs('umount', tmp_path / 'mnt').returncode == 0
