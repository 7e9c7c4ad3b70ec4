# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened, as files, and what is mine, as links: on a mount over HTTP, with what it asked for."""
import os
import pathlib
import shutil

import pytest

import mounted
from conftest import Server, storyfs
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
HEAD = ['occurred_at', 'guid', 'performed_by', 'kind', 'resources', 'changes', 'message']


@pytest.fixture(scope='module')
def mount(star_archive, tmp_path_factory):
    """One for all: what they change is theirs alone."""
    folder = tmp_path_factory.mktemp('happened')
    archive = pathlib.Path(shutil.copy(star_archive, folder / 'a.db'))
    token = storyfs('user', 'token', archive).stdout.strip()
    server = Server(archive, log=folder / 'requests.log')
    server.token = token
    mounts = mounted.Mounts(folder)
    try:
        for name, more in (('One', {'estimate': 1, 'current_state': 'unstarted'}), ('Two', {})):
            assert server.request('POST', f'/{P}/stories', {'name': name, **more}).status == 200
        assert server.request('POST', f'/{P}/epics', {'name': 'Fleet'}).status == 200
        made = mounts(server.url, '-o', 'refresh=1', token=token)
        made.server = server
        yield made
        mounts.finish()
    finally:
        assert server.stop() == 0, server.errors


def ask(mount, method, path, body=None):
    answer = mount.server.request(method, path, body)
    assert answer.status == 200, answer.body
    return answer.json()


def lines(mount, path):
    """The rows of a file below the project's directory, without its heads and its end."""
    text = (mount / P / path).read_text(encoding='utf-8')
    assert text.endswith('\n')
    return [line.split('\t') for line in text.splitlines() if line[0] != '#'][1:]


def asked(mount, since):
    """What the mount asked for, but for its looks at the versions."""
    paths = [r['path'].removeprefix('/services/v5') for r in mount.server.log()[since:]]
    return [p for p in paths if not p.startswith('/projects?fields=id')]


def guids(rows):
    return [row[1] for row in rows]


def test_activity_is_the_servers(mount):
    for path, url in (('activity', f'/{P}/activity'),
                      ('stories/555/activity', f'/{P}/stories/555/activity')):
        told = ask(mount, 'GET', url)
        rows = lines(mount, path)
        assert guids(rows) == [item['guid'] for item in told]
        assert [row[6] for row in rows] == [item['message'] for item in told]
    heads = (mount / P / 'activity').read_text(encoding='utf-8').splitlines()[0]
    assert heads.split('\t') == HEAD


def test_a_change_is_told_everywhere(mount):
    story = ask(mount, 'POST', f'/{P}/stories', {'name': 'Told', 'estimate': 1})['id']
    files = ['activity', f'stories/{story}/activity', f'stories/{story}/transitions', 'transitions']
    assert wait_until(lambda: os.path.exists(mount / P / f'stories/{story}'))
    for path in files:  # which may just be told of the story
        assert wait_until(lambda p=path: (mount / P / p).stat().st_size == len((mount / P / p).read_bytes()))
    since = len(mount.server.log())
    ask(mount, 'PUT', f'/{P}/stories/{story}', {'current_state': 'started'})
    evil = 'a\x1b[2J\u202e\tb\nc'
    ask(mount, 'POST', f'/{P}/stories/{story}/comments', {'text': evil})
    # Before it is told, the file may be seen at the length that it had.
    assert wait_until(lambda: [row[3:4] for row in lines(mount, f'stories/{story}/activity')][:1]
                      == [['comment_create_activity']])
    row = lines(mount, f'stories/{story}/activity')[0]
    assert row[4] == f'stories/{story}' and row[5].startswith('+comment')
    assert row[6] == 'Emperor Palpatine added comment: "a?[2J? b c"'
    assert 'story.current_state=unscheduled>started' in lines(mount, 'activity')[1][5].split(',')
    states = [(r[1], r[4]) for r in lines(mount, f'stories/{story}/transitions')]
    assert states == [('unscheduled', 'Emperor Palpatine'), ('started', 'Emperor Palpatine')]
    assert lines(mount, 'transitions')[-1][1:3] == ['started', str(story)]
    for path in files:
        assert (mount / P / path).stat().st_size == len((mount / P / path).read_bytes())
    # Only what was new was asked for.
    more = [p for p in asked(mount, since) if 'activity' in p or 'transitions' in p]
    assert more and all('since_version=' in p or 'occurred_after=' in p or '/comments' in p
                        for p in more), more
    told = ask(mount, 'GET', f'/{P}/story_transitions')
    assert [r[1] for r in lines(mount, 'transitions')] == [t['state'] for t in told]


def test_epics_and_our_own(mount):
    epic = int(os.listdir(mount / P / 'epics')[0])
    told = ask(mount, 'GET', f'/{P}/epics/{epic}/activity')
    assert guids(lines(mount, f'epics/{epic}/activity')) == [item['guid'] for item in told] != []
    mine = (mount / 'my/activity').read_text(encoding='utf-8').splitlines()
    told = ask(mount, 'GET', '/my/activity')
    assert wait_until(lambda: len((mount / 'my/activity').read_text().splitlines()) == 1 + len(told))
    assert mine[0].split('\t') == HEAD and f'\t{P}/epics/{epic}\t' in '\n'.join(mine)


def test_what_is_mine_is_linked(mount):
    assert [n for n in os.listdir(mount / 'my/requested') if n.split('-')[1] == '556']
    story = ask(mount, 'POST', f'/{P}/stories', {'name': 'Mine/ours', 'estimate': 1})['id']
    ask(mount, 'PUT', f'/{P}/stories/{story}', {'owner_ids': [100]})
    link = f'-{story}-Mine_ours'

    def find(where):
        return [n for n in os.listdir(mount / 'my' / where) if n.endswith(link)]
    assert wait_until(lambda: find('work')) == [f'1{link}']
    assert find('requested')
    path = mount / 'my/work' / find('work')[0]
    assert os.readlink(path) == f'../../{P}/stories/{story}'
    (path / 'current_state').write_text('accepted\n')
    assert not find('work') and not find('requested')
    # All that they showed was asked for once, with the stories.
    since = len(mount.server.log())
    assert mount.run('ls -l my/work my/requested').returncode == 0
    assert not asked(mount, since)


def test_a_file_and_its_comment_find_each_other(mount):
    (mount / P / 'stories/556/attachments/plan.txt').write_text('dig\n')
    linked = os.readlink(mount / P / 'stories/556/attachments/plan.txt')
    file = mount / P / 'attachments' / linked.split('/')[-2]
    told = [c['id'] for c in ask(mount, 'GET', f'/{P}/stories/556/comments?fields=file_attachment_ids')
            if c['file_attachment_ids'] == [int(file.name)]]
    assert os.readlink(file / 'comment') == f'../../stories/556/comments/{told[0]}'
    assert (file / 'comment/file_attachment_ids').read_text() == f'{file.name}\n'
    assert sorted(os.listdir(file)) == ['comment', 'plan.txt']
    os.rmdir(file)
    assert wait_until(lambda: not os.path.lexists(file / 'comment'))


def test_all_histories_cost_two_requests(mount, tmp_path):
    mounts = mounted.Mounts(tmp_path)
    fresh = mounts(mount.server.url, '-o', 'refresh=0', token=mount.server.token)
    os.listdir(fresh / P / 'stories')
    os.listdir(fresh / P / 'epics')
    since = len(mount.server.log())
    # What is below the stories are links, which grep -r does not follow; find and ls need no sizes.
    assert fresh.run(f'ls -l {P}/stories/* && grep -r passengers {P}/stories && find . && '
                     f'ls {P} {P}/history/*').returncode == 0
    assert not [p for p in asked(mount, since) if 'activity' in p or 'transitions' in p]
    since = len(mount.server.log())
    assert fresh.run(f'cat {P}/stories/*/activity {P}/stories/*/transitions {P}/epics/*/activity '
                     f'{P}/activity {P}/transitions && ls -lR {P}/history').returncode == 0
    paths = [p.split('&limit')[0].split('?limit')[0] for p in asked(mount, since)]
    assert len(paths) == 2, paths
    assert [p for p in paths if p.startswith(f'/{P}/activity?fields=')]
    assert f'/{P}/stories?fields=transitions' in paths
    mounts.finish()
