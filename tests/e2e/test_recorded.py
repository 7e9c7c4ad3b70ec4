# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the server what V5 was? Each recorded exchange is asked again, of an archive made from the dump.

How they are compared is in v5_compare.py. What disagrees, or cannot be asked, must be in docs/conformance.md, and must be
true there.
"""
import json
import re
import shutil

import pytest

from conftest import ROOT, storyfs, write_dump
from v5_compare import compare
from v5_data import DATA, NEEDS_DATA, dump_folders, dump_index, exchanges

# What the ids in a path are of.
PLURALS = {'projects': 'project', 'stories': 'story', 'epics': 'epic', 'labels': 'label', 'tasks': 'task',
           'comments': 'comment', 'reviews': 'review', 'workspaces': 'workspace', 'accounts': 'account'}
# Parameters that name other resources.
REFERENCES = {'file_attachment_ids_to_add': 'file_attachment',
              'file_attachment_ids_to_remove': 'file_attachment',
              'file_attachment_ids': 'file_attachment'}


# ---- what the server is given ----

def recorded(pattern):
    """The answers to GET of a path, single resources or lists, latest last."""
    for x in sorted(exchanges(), key=lambda x: x.recorded_at):
        if x.method == 'GET' and x.status == 200 and re.fullmatch(pattern, x.path):
            yield from x.body if isinstance(x.body, list) else [x.body]


def told_resources(dump):
    """What no dump has, but a recording tells whole: kind -> resources.

    Whose a workspace is, is a member of what it holds."""
    spaces = {w['id']: w for w in recorded(r'/my/workspaces(/\d+)?')}
    projects = {p['id']: {'kind': 'project', **p} for w in spaces.values() for p in w.get('projects', [])}
    projects.update({p['id']: p for p in recorded(r'/projects/\d+') if p.keys() >= {'version', 'time_zone'}})
    stories = {s['id']: s for found in recorded(r'/projects/\d+/search') for s in found['stories']['stories']}
    mine = {me['id']: me for me in recorded('/me')}
    theirs = {(project, w['person_id']) for w in spaces.values() for project in w['project_ids']
              if w['person_id'] not in mine}
    members = [{'kind': 'project_membership', 'id': 10**9 + i, 'project_id': project, 'role': 'owner',
                'person': {'kind': 'person', 'id': person}}
               for i, (project, person) in enumerate(sorted(theirs))]
    told = {'project': [p for i, p in projects.items() if i not in dump['project']],
            'story': [s for i, s in stories.items() if i not in dump['story']],
            'workspace': [{k: v for k, v in w.items() if k != 'projects'} for w in spaces.values()],
            'me': list(mine.values()), 'project_membership': members}
    assert all(told.values()), told
    return told


def make_archive(tmp_path):
    """The archive of all that is known, and what it was made from."""
    dump, base = dump_index(), tmp_path / 'base.db'
    told = told_resources(dump)
    members = write_dump(tmp_path / 'members', {'project_membership': told.pop('project_membership')})
    folder = write_dump(tmp_path / 'told', told)
    for folders in ([*dump_folders(), folder], [members]):  # by themselves: they are not all there are
        done = storyfs('import', *folders, base)
        assert done.returncode == 0, done.stderr
    for kind, resources in told.items():
        dump.setdefault(kind, {}).update({r['id']: r for r in resources})
    return dump, base


# ---- which exchanges it must answer ----

def path_ids(x):
    parts = x.path.split('/')
    for plural, text in zip(parts, parts[1:]):
        if plural in PLURALS and text.isdigit():
            yield PLURALS[plural], int(text)


def kind_of(x):
    """What the answer is of, or a list of: bodies narrowed by fields= do not say it."""
    plurals = [part for part in x.path.split('/') if part in PLURALS or part == 'iterations']
    return PLURALS.get(plurals[-1], 'iteration') if plurals else None


def why_not_covered(x, dump):
    """None when the server must answer it as recorded."""
    if x.status == 404:
        return None
    named = list(path_ids(x))
    if x.sent_type and 'json' in x.sent_type:
        named += [(kind, n) for key, kind in REFERENCES.items() for n in x.sent_values().get(key, [])]
    for kind, n in named:
        if n not in dump.get(kind, {}):
            return f'the dump has no {kind} {n}'
    return None


def asker(x, dump):
    """Who asked: the owner of the archive (None), unless the answer is of somebody's own."""
    bodies = x.body if isinstance(x.body, list) else [x.body]
    if not x.path.startswith('/my/workspaces'):
        return None
    return dump['person'][bodies[0]['person_id']]['username']


# ---- the comparison ----

def read_table():
    """The exchanges that docs/conformance.md explains: number -> reason."""
    listed = {}
    for line in (ROOT / 'docs/conformance.md').read_text(encoding='utf-8').splitlines():
        cells = [c.strip() for c in line.strip('|').split('|')]
        if len(cells) == 4 and re.fullmatch(r'\d{4}( \d{4})*', cells[0]):
            listed.update({n: cells[3] for n in cells[0].split()})
    return listed


class Asker:
    """Asks each exchange: those that read of one server, those that write of one of their own."""

    def __init__(self, serve, base, dump, folder):
        self.serve, self.base, self.dump, self.folder = serve, base, dump, folder
        self.readers = {}

    def ask(self, x):
        who = asker(x, self.dump)
        if x.method != 'GET':
            server = self.serve(shutil.copy(self.base, self.folder / f'{x.number}.db'), person=who)
            answer = self.send(x, server)
            assert server.stop() == 0, server.errors
            return answer
        if who not in self.readers:
            self.readers[who] = self.serve(self.base, person=who)
        return self.send(x, self.readers[who])

    @staticmethod
    def send(x, server):
        """What was Current when it was asked about was recorded; so Current is asked about here."""
        target = x.target
        if re.search(r'/iterations/\d+/', target):
            now = server.request('GET', re.match(r'/projects/\d+', target).group()).json()
            target = re.sub(r'(?<=/iterations/)\d+', str(now['current_iteration_number']), target)
        return server.request(x.method, target, body=x.sent_body, headers=x.sent_headers)


@NEEDS_DATA
def test_recorded_exchanges_agree(serve, tmp_path, capsys):
    dump, base = make_archive(tmp_path)
    asking = Asker(serve, base, dump, tmp_path)
    listed, found = read_table(), {}
    for x in exchanges():
        reason = why_not_covered(x, dump)
        found[x.number] = [reason] if reason else compare(x, asking.ask(x), dump, kind_of(x))
    with capsys.disabled():
        for number, texts in found.items():
            for text in texts:
                print(f'\n{number}: {text} ({"explained" if number in listed else "NOT EXPLAINED"})', end='')
        print(f'\nagree {sum(not texts for texts in found.values())} of {len(found)}')
    left = {number for number, texts in found.items() if texts}
    assert not left - set(listed), 'docs/conformance.md does not explain these'
    assert not set(listed) - left, 'docs/conformance.md explains what agrees, or was not recorded'


DEFAULTS = {'owner_ids': [], 'labels': []}  # always sent, older dumps left them out
PATHS = {'story': 'stories', 'epic': 'epics', 'label': 'labels'}


def served(server, path, paged):
    """A whole list, by id."""
    found = {}
    while True:
        page = server.request('GET', path + (f'?limit=500&offset={len(found)}' if paged else ''))
        assert page.status == 200, page.body
        found.update({r['id']: r for r in page.json()})
        if not paged or len(page.json()) < 500:
            return found


@NEEDS_DATA
@pytest.mark.parametrize('folder', dump_folders() if DATA else [], ids=lambda p: p.name)
def test_everything_is_served_as_it_was_dumped(folder, serve, tmp_path):
    done = storyfs('import', folder, DATA / 'dump' / 'people', tmp_path / 'a.db')
    assert done.returncode == 0, done.stderr
    if not (folder / 'project.json').exists():
        return
    server = serve(tmp_path / 'a.db')
    project = json.loads((folder / 'project.json').read_text())[0]['id']
    for kind, plural in PATHS.items():
        path = folder / f'{kind}.json'
        if not path.exists():
            continue
        dumped = json.loads(path.read_text(encoding='utf-8'))
        ours = served(server, f'/projects/{project}/{plural}', kind == 'story')
        if kind == 'story':
            assert list(ours) == [r['id'] for r in dumped]
        on_request = {'tasks', 'owners', 'owned_by', 'pull_requests', 'label_id'}
        for r in dumped:
            want = {**DEFAULTS, **r} if kind == 'story' else r
            want = {k: v for k, v in want.items() if k not in on_request}
            mine = ours[r['id']]
            if kind == 'epic':  # a nested label may have been narrowed by the request
                assert want.pop('label').items() <= mine.pop('label').items()
            assert mine == want


@NEEDS_DATA
def test_done_iterations_are_those_that_were_recorded(serve, tmp_path):
    """Numbers and instants, over years and changes of the clocks; and the stories of those that
    were done when they were recorded."""
    compared = 0
    for folder in dump_folders():
        path = folder / 'iteration.json'
        if not path.exists():
            continue
        done = storyfs('import', folder, DATA / 'dump' / 'people', tmp_path / 'a.db')
        assert done.returncode == 0, done.stderr
        server = serve(tmp_path / 'a.db')
        stories = {s['id']: s for s in json.loads((folder / 'story.json').read_text())}
        for want in json.loads(path.read_text(encoding='utf-8')):
            at = want['number'] - 1
            ours, = server.request('GET', f'/projects/{want["project_id"]}/iterations'
                                          f'?limit=1&offset={at}').json()
            for key in ('number', 'start', 'finish', 'team_strength', 'project_id'):
                assert ours[key] == want[key], (want['number'], key)
            if all(stories[i]['current_state'] == 'accepted' for i in want['stories']):
                assert [s['id'] for s in ours['stories']] == want['stories'], want['number']
            compared += 1
    assert compared > 50
