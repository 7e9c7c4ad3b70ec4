# SPDX-License-Identifier: GPL-2.0-or-later
"""Iterations, releases, notifications and the small collections, on a mount over HTTP."""
import errno
import os

import pytest

import mounted
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'


@pytest.fixture
def mount(archive, serve, tmp_path):
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    made = mounts(server.url, '-o', 'refresh=1', token=server.token)
    made.server = server
    yield made
    mounts.finish()


def ask(mount, method, path, body=None):
    answer = mount.server.request(method, path, body)
    assert answer.status == 200, answer.body
    return answer.json()


def read(mount, path):
    return (mount / path).read_text(encoding='utf-8')


def ids(mount, path):
    return [int(n.split('-')[1]) for n in sorted(os.listdir(mount / path))]


def test_iterations_are_the_servers(mount):
    for i in range(8):
        ask(mount, 'POST', f'/{P}/stories',
            {'name': f'Story {i}', 'estimate': 3, 'current_state': 'unstarted'})
    told = ask(mount, 'GET', f'/{P}/iterations?fields=:default,story_ids,velocity,points')
    numbers = sorted(os.listdir(mount / P / 'iterations'), key=int)
    assert [int(n) for n in numbers] == [i['number'] for i in told] and len(told) > 2
    for iteration in told:
        folder = f'{P}/iterations/{iteration["number"]}'
        assert read(mount, f'{folder}/start') == iteration['start'] + '\n'
        assert float(read(mount, f'{folder}/points')) == iteration['points']
        assert int(read(mount, f'{folder}/velocity')) == iteration['velocity']
        assert ids(mount, f'{folder}/stories') == iteration['story_ids']
    link = os.listdir(mount / f'{P}/iterations/{numbers[-1]}/stories')[0]
    path = mount / f'{P}/iterations/{numbers[-1]}/stories/{link}'
    assert (path / 'id').read_text().strip() == link.split('-')[1]
    with pytest.raises(OSError) as e:
        (mount / P / 'iterations/1/length').write_text('2\n')
    assert e.value.errno in (errno.EACCES, errno.EPERM)


def test_releases_hold_what_is_before_them(mount):
    release = ask(mount, 'POST', f'/{P}/stories',
                  {'name': 'v1', 'story_type': 'release', 'current_state': 'unstarted'})['id']
    told = [s['id'] for s in ask(mount, 'GET', f'/{P}/releases/{release}/stories')]
    assert wait_until(lambda: os.listdir(mount / P / 'releases') == [str(release)])
    assert read(mount, f'{P}/releases/{release}/name') == 'v1\n'
    assert ids(mount, f'{P}/releases/{release}/stories') == told != []
    # What comes before it later is shown.
    more = ask(mount, 'POST', f'/{P}/stories',
               {'name': 'More', 'estimate': 1, 'current_state': 'unstarted', 'before_id': 555})['id']
    assert wait_until(lambda: more in ids(mount, f'{P}/releases/{release}/stories'))


def test_small_collections_are_written(mount):
    assert wait_until(lambda: os.path.isdir(mount / P / 'review_types'))
    done = mount.run(f'mkdir {P}/story_templates/Bug && cd {P}/story_templates/Bug && '
                     'echo "What happened?" > description && cat name')
    assert done.returncode == 0 and done.stdout == 'Bug\n', done.stderr
    template = ask(mount, 'GET', f'/{P}/story_templates')[0]
    assert (template['name'], template['description']) == ('Bug', 'What happened?')
    workspace = ask(mount, 'POST', '/my/workspaces', {'name': 'Mine', 'project_ids': [99]})['id']
    assert os.listdir(mount / 'workspaces') == [str(workspace)]
    (mount / f'workspaces/{workspace}/name').write_text('Ours\n')
    assert ask(mount, 'GET', f'/my/workspaces/{workspace}')['name'] == 'Ours'


def test_followers_are_a_file(mount):
    folder = mount / P / 'stories/555'
    told = ask(mount, 'GET', f'/{P}/stories/555?fields=follower_ids')['follower_ids']
    people = {100: 'Emperor Palpatine', 101: 'Darth Vader'}
    assert (folder / 'followers').read_text().splitlines() == [people[i] for i in told]
    n = len(mount.server.log())
    (folder / 'followers').write_text('Emperor Palpatine\n')
    assert ask(mount, 'GET', f'/{P}/stories/555?fields=follower_ids')['follower_ids'] == [100]
    assert (folder / 'followers').read_text() == 'Emperor Palpatine\n'
    (folder / 'name').write_text('Another\n')
    assert (folder / 'followers').read_text() == 'Emperor Palpatine\n'
    writes = [r['method'] for r in mount.server.log()[n:] if r['method'] != 'GET']
    assert writes == ['PUT', 'PUT']


def test_a_walk_over_all_costs_one_request_each(mount):
    for i in range(3):
        ask(mount, 'POST', f'/{P}/stories',
            {'name': f'v{i}', 'story_type': 'release', 'current_state': 'unstarted'})
    os.listdir(mount / P / 'stories')
    n = len(mount.server.log())
    assert mount.run(f'ls -lR {P}/iterations {P}/releases {P}/review_types {P}/story_templates '
                     f'{P}/integrations workspaces my/notifications').returncode == 0
    asked = [r['path'].split('?')[0].replace('/services/v5', '') for r in mount.server.log()[n:]
             if r['path'].split('?')[0] != '/services/v5/projects']
    assert sorted(asked) == sorted([
        f'/{P}/iterations', f'/{P}/releases', f'/{P}/review_types', f'/{P}/story_templates',
        f'/{P}/integrations', '/my/workspaces', '/my/notifications'])
