# SPDX-License-Identifier: GPL-2.0-or-later
"""Views of a project on a mount over HTTP: groups of links, the table, and moving between groups."""
import errno
import json
import os
import pathlib
import time

import pytest

import conftest
import mounted
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'


@pytest.fixture
def view(archive, serve, tmp_path):
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    mount = mounts(server.url, '-o', 'refresh=1', token=server.token)
    mount.server = server
    yield mount
    mounts.finish()


def put(view, story, **fields):
    answer = view.server.request('PUT', f'/{P}/stories/{story}', fields)
    assert answer.status == 200, answer.body


def ask(view, path):
    return view.server.request('GET', path).json()


def names(view, path):
    return sorted(os.listdir(view / P / path))


def test_groups_hold_links_in_order(view):
    assert names(view, 'by-state') == ['accepted', 'delivered', 'finished', 'planned', 'rejected',
                                       'started', 'unscheduled', 'unstarted']
    assert names(view, 'by-state/unstarted') == ['1-555-Bring-me-the-passengers']
    assert names(view, 'by-type/bug') == ['1-556-All-exhaust-ports-need-a-lid']
    assert names(view, 'by-label') == ['rnd']
    assert names(view, 'by-label/rnd') == ['1-555-Bring-me-the-passengers']
    assert 'Darth Vader' in names(view, 'by-owner')
    assert names(view, 'by-owner/Darth Vader') == ['1-555-Bring-me-the-passengers']
    link = view / P / 'by-label/rnd/1-555-Bring-me-the-passengers'
    assert os.readlink(link) == '../../stories/555'
    assert (link / 'name').read_text() == 'Bring me the passengers\n'
    # A name goes on while the rank moves; another title or story does not.
    assert (view / P / 'by-state/unstarted/7-555-Bring-me-the-passengers/id').read_text() == '555\n'
    for name in ('1-555-Bring', '1-556-All-exhaust-ports-need-a-lid', '555', '1-555', 'x'):
        assert not os.path.lexists(view / P / 'by-state/unstarted' / name)


def test_links_follow_what_others_do(view):
    for group in ('by-state/unstarted', 'by-state/started', 'by-label/rnd', 'by-owner/Darth Vader'):
        names(view, group)
    put(view, 555, current_state='started', labels=[{'name': 'new one'}])
    assert wait_until(lambda: names(view, 'by-state/started') == ['1-555-Bring-me-the-passengers'])
    assert names(view, 'by-state/unstarted') == []
    assert wait_until(lambda: names(view, 'by-label') == ['new one', 'rnd'])
    assert names(view, 'by-label/new one') == ['1-555-Bring-me-the-passengers']
    assert names(view, 'by-label/rnd') == []
    put(view, 555, name='Another/../title\n\x1b[31m')
    assert wait_until(lambda: names(view, 'by-state/started') == ['1-555-Another_.._title_[31m']
                      or names(view, 'by-state/started'))
    assert all('/' not in n and '\n' not in n and '\x1b' not in n
               for n in names(view, 'by-state/started'))
    put(view, 555, owner_ids=[])
    assert wait_until(lambda: names(view, 'by-owner/Darth Vader') == [])


def test_mv_sets_what_the_group_stands_for(view):
    done = view.run(f'cd {P} && mv by-state/unstarted/*-555-* by-state/started/ && '
                    'cat stories/555/current_state && ls by-state/unstarted by-state/started')
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('started\n')
    assert ask(view, f'/{P}/stories/555')['current_state'] == 'started'
    assert names(view, 'by-state/started') == ['1-555-Bring-me-the-passengers']
    assert names(view, 'by-state/unstarted') == []
    assert view.run(f'cd {P} && mkdir labels/fast && mv by-label/rnd/*-555-* by-label/fast/'
                    ).returncode == 0
    assert [x['name'] for x in ask(view, f'/{P}/stories/555')['labels']] == ['fast']
    done = view.run(f'cd {P} && mv by-owner/"Darth Vader"/*-555-* by-owner/"Emperor Palpatine"/')
    assert done.returncode == 0, done.stderr
    assert ask(view, f'/{P}/stories/555')['owner_ids'] == [100]
    writes = [r for r in view.server.log() if r['method'] not in ('GET', 'HEAD')]
    assert [r['method'] for r in writes] == ['PUT', 'POST', 'PUT', 'PUT']


def test_a_move_that_v5_refuses_is_told(view):
    # A feature without an estimate cannot be started.
    made = view.server.request('POST', f'/{P}/stories', {'name': 'Raw'}).json()['id']
    assert wait_until(lambda: any(f'-{made}-' in n for n in names(view, 'by-state/unscheduled')))
    name = next(n for n in names(view, 'by-state/unscheduled') if f'-{made}-' in n)
    with pytest.raises(OSError) as e:
        os.rename(view / P / 'by-state/unscheduled' / name, view / P / 'by-state/started' / name)
    assert e.value.errno == errno.EPERM
    done = view.run(f"cd {P}/by-state && mv unscheduled/*-{made}-* started/")
    assert done.returncode == 1 and 'Operation not permitted' in done.stderr
    assert 'current_state: not saved' in (view / P / f'stories/{made}/.error').read_text()
    assert name in names(view, 'by-state/unscheduled')


def add(view, **fields):
    return view.server.request('POST', f'/{P}/stories', fields).json()['id']


def ids(view, path):
    return [int(n.split('-')[1]) for n in sorted(os.listdir(view / P / path)) if n[0] != '.']


def test_panels_are_trackers(view):
    """Each story is in one of them, in its order; the current iteration is as the server says."""
    for i in range(12):
        add(view, name=f'Story {i}', current_state='unstarted', estimate=3)
    add(view, name='Started', current_state='started', estimate=1)
    stories = ask(view, f'/{P}/stories')
    current = ask(view, f'/{P}/iterations?scope=current')[0]['stories']
    backlog = [s['id'] for i in ask(view, f'/{P}/iterations?scope=backlog') for s in i['stories']]
    assert wait_until(lambda: len(ids(view, 'panels/backlog')) == len(backlog) > 3)
    assert ids(view, 'panels/current') == [s['id'] for s in current] != []
    assert ids(view, 'panels/backlog') == backlog
    assert ids(view, 'panels/icebox') == [556]
    panels = [i for p in ('current', 'backlog', 'icebox', 'done') for i in ids(view, f'panels/{p}')]
    assert sorted(panels) == sorted(s['id'] for s in stories)


def test_mv_within_a_panel_is_another_rank(view):
    made = [add(view, name=f'Story {i}', current_state='unscheduled') for i in range(4)]
    assert wait_until(lambda: set(made) < set(ids(view, 'panels/icebox')))
    order = ids(view, 'panels/icebox')
    n = len(view.server.log())
    done = view.run(f'cd {P}/panels/icebox && mv *-{order[3]}-* 2-now')
    assert done.returncode == 0, done.stderr
    order.insert(1, order.pop(3))
    assert ids(view, 'panels/icebox') == order
    assert [s['id'] for s in ask(view, f'/{P}/stories') if s['id'] in order] == order
    done = view.run(f'cd {P}/panels/icebox && mv *-{order[0]}-* 9-last')
    assert done.returncode == 0, done.stderr
    order.append(order.pop(0))
    assert ids(view, 'panels/icebox') == order
    assert [s['id'] for s in ask(view, f'/{P}/stories') if s['id'] in order] == order
    writes = [r for r in view.server.log()[n:] if r['method'] not in ('GET', 'HEAD')]
    assert [r['method'] for r in writes] == ['PUT', 'PUT']


def test_mv_between_panels(view):
    story = add(view, name='Raw', current_state='unscheduled', estimate=1)
    assert wait_until(lambda: story in ids(view, 'panels/icebox'))
    done = view.run(f'cd {P}/panels && mv icebox/*-{story}-* backlog/')
    assert done.returncode == 0, done.stderr
    assert ask(view, f'/{P}/stories/{story}')['current_state'] == 'unstarted'
    where = 'current' if story in ids(view, 'panels/current') else 'backlog'
    assert story in ids(view, f'panels/{where}')
    done = view.run(f'cd {P}/panels && mv {where}/*-{story}-* icebox/')
    assert done.returncode == 0, done.stderr
    assert ask(view, f'/{P}/stories/{story}')['current_state'] == 'unscheduled'


def test_mv_to_a_rank_of_another_panel(view):
    planned = [add(view, name=f'Story {i}', current_state='unstarted', estimate=3) for i in range(4)]
    story = add(view, name='Raw', current_state='unscheduled', estimate=3)
    assert wait_until(lambda: planned[-1] in ids(view, 'panels/backlog'))
    assert wait_until(lambda: story in ids(view, 'panels/icebox'))
    backlog = ids(view, 'panels/backlog')
    n = len(view.server.log())
    done = view.run(f'cd {P}/panels && mv icebox/*-{story}-* backlog/2-x')
    assert done.returncode == 0, done.stderr
    backlog.insert(1, story)
    assert ids(view, 'panels/backlog') == backlog
    assert [s['id'] for s in ask(view, f'/{P}/stories') if s['id'] in backlog] == backlog
    assert ask(view, f'/{P}/stories/{story}')['current_state'] == 'unstarted'
    done = view.run(f'cd {P}/panels && mv backlog/*-{story}-* icebox/1-x')
    assert done.returncode == 0, done.stderr
    assert ids(view, 'panels/icebox') == [story, 556]
    writes = [r for r in view.server.log()[n:] if r['method'] not in ('GET', 'HEAD')]
    assert [r['method'] for r in writes] == ['PUT', 'PUT']


def test_mv_to_a_rank_of_an_empty_panel(view):
    assert ids(view, 'panels/icebox') == [556]
    for rank, panel in ((3, 'backlog'), (1, 'icebox')):
        done = view.run(f'cd {P}/panels && mv */*-556-* {panel}/{rank}-x')
        assert done.returncode == 0, done.stderr
    assert ids(view, 'panels/icebox') == [556]
    assert ask(view, f'/{P}/stories/556')['current_state'] == 'unscheduled'


def test_search_finds(view):
    assert names(view, 'search/state:unstarted') == ['1-555-Bring-me-the-passengers']
    assert names(view, 'search/type:bug') == ['1-556-All-exhaust-ports-need-a-lid']
    assert names(view, 'search/label:rnd type:feature') == ['1-555-Bring-me-the-passengers']
    assert names(view, 'search/label:none') == []
    put(view, 556, current_state='unstarted')
    assert wait_until(lambda: len(names(view, 'search/state:unstarted')) == 2)
    # What was looked up is not listed; what was saved is, and is V5's saved search.
    assert names(view, 'search') == []
    assert view.run(f'mkdir {P}/search/passengers {P}/search/"exhaust lid"').returncode == 0
    assert names(view, 'search') == ['exhaust lid', 'passengers']
    assert names(view, 'search/passengers') == ['1-555-Bring-me-the-passengers']
    assert sorted(s['query'] for s in ask(view, f'/{P}/my/searches')) == ['exhaust lid', 'passengers']
    assert view.run(f'rmdir {P}/search/passengers').returncode == 0
    assert names(view, 'search') == ['exhaust lid']
    assert len(ask(view, f'/{P}/my/searches')) == 1


def test_a_bad_query_is_explained(view):
    with pytest.raises(OSError) as e:
        os.listdir(view / P / 'search/nonsense:(')
    assert e.value.errno == errno.EINVAL
    text = (view / P / 'search/.error').read_text()
    assert 'query: not taken' in text and 'nonsense' in text
    names(view, 'search/type:bug')


def test_probing_in_search_costs_no_request(view):
    names(view, 'search')
    n = len(view.server.log())
    for name in ('.git', 'HEAD', '.hidden', 'desktop.ini', 'x'):
        assert not os.path.lexists(view / P / 'search' / name)
    assert [r for r in view.server.log()[n:] if 'search' in r['path'] or 'filter' in str(r)] == []


def test_what_is_no_move_is_refused(view):
    link = view / P / 'by-state/unstarted/1-555-Bring-me-the-passengers'
    for target in ('by-type/bug/x', 'stories/x', 'x', 'by-state/x'):
        with pytest.raises(OSError):
            os.rename(link, view / P / target)
    with pytest.raises(OSError):
        os.unlink(link)
    with pytest.raises(OSError):
        os.symlink('../../stories/556', view / P / 'by-state/unstarted/x')
    assert [r for r in view.server.log() if r['method'] not in ('GET', 'HEAD')] == []


def test_the_table_is_a_line_a_story(view):
    table = view / P / 'stories.tsv'
    lines = table.read_text().splitlines()
    assert lines[0].split('\t') == ['id', 'current_state', 'story_type', 'estimate', 'owners',
                                    'labels', 'name']
    ids = [s['id'] for s in ask(view, f'/{P}/stories')]
    assert [int(line.split('\t')[0]) for line in lines[1:]] == ids
    row = dict(zip(lines[0].split('\t'), next(x for x in lines if x.startswith('555')).split('\t')))
    assert row == {'id': '555', 'current_state': 'unstarted', 'story_type': 'feature',
                   'estimate': '2', 'owners': 'Darth Vader', 'labels': 'rnd',
                   'name': 'Bring me the passengers'}
    assert os.stat(table).st_size == len(table.read_bytes())
    before = os.stat(table).st_mtime_ns
    put(view, 555, name='Tabs\tand\nlines')
    assert wait_until(lambda: 'Tabs and lines' in table.read_text())
    assert os.stat(table).st_mtime_ns > before
    done = view.run(f"awk -F'\\t' 'NR>1 {{ n[$3]++ }} END {{ print n[\"bug\"] }}' {P}/stories.tsv")
    assert done.stdout == '1\n'


def test_json_is_what_v5_sends(view):
    assert names(view, 'json') == ['555.json', '556.json']
    story = json.loads((view / P / 'json/555.json').read_text())
    sent = ask(view, f'/{P}/stories/555')
    assert {k: story[k] for k in sent if k != 'kind'} == {k: sent[k] for k in sent if k != 'kind'}


def test_views_cost_what_the_stories_cost(view):
    os.listdir(view / P / 'stories')
    n = len(view.server.log())
    view.run(f'ls -lR {P}/by-state {P}/by-type {P}/by-owner {P}/json; cat {P}/stories.tsv')
    time.sleep(0.2)
    paths = [r['path'] for r in view.server.log()[n:] if r['path'].count('/') > 3]
    assert [p for p in paths if 'stories' in p] == []


def test_a_listing_of_the_project_loads_no_story(archive, serve, tmp_path):
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    mount = mounts(server.url, '-o', 'refresh=0', token=server.token)
    assert 'stories.tsv' in os.listdir(mount / P)
    assert not [r for r in server.log() if '/stories' in r['path']]
    assert (mount / P / 'stories.tsv').stat().st_size > 0
    mounts.finish()


def test_ls_and_cat_show_the_same_without_a_mount(view, archive):
    for path in (f'{P}/by-state/unstarted', f'{P}/by-label/rnd', f'{P}/json'):
        done = conftest.storyfs('ls', archive, path)
        assert sorted(done.stdout.split('\n')[:-1]) == sorted(os.listdir(view / path))
    done = conftest.storyfs('cat', archive, f'{P}/stories.tsv')
    assert done.stdout == pathlib.Path(view / P / 'stories.tsv').read_text()
    done = conftest.storyfs('ls', '-l', archive, P)
    assert any('stories.tsv' in x and x.startswith('-r-') for x in done.stdout.splitlines())
