# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the server what V5 was? Each recorded exchange is asked again, of an archive made from the dump.

The exchanges are years apart and the dump is their latest state, so values, ids and lengths differ.
What must agree: status, headers, key sets and JSON types. A key that one side lacks is no
disagreement only where the dump explains it: V5 leaves out what is null, and the resource had no
value then, or has none now. What is left must be in docs/conformance.md, and must be true there.
"""
import json
import re
import shutil

import pytest

from conftest import ROOT, storyfs, write_dump
from v5_data import DATA, NEEDS_DATA, dump_folders, dump_index, exchanges

# What this version serves: path patterns, with the kind of each id in them.
ROUTES = [
    r'/me', r'/my/activity', r'/my/workspaces/(?P<workspace>\d+)', r'/accounts(/\d+)?',
    r'/account_summaries', r'/projects', r'/projects/(?P<project>\w*)',
    r'/projects/(?P<project>\w*)/activity', r'/projects/(?P<project>\w*)/memberships',
    r'/projects/(?P<project>\w*)/stories', r'/stories/(?P<story>\d+)',
    r'/projects/(?P<project>\w*)/stories/(?P<story>\d+)',
    r'/projects/(?P<project>\w*)/stories/(?P<story>\d+)/(owners|labels|activity|tasks|comments)',
    r'/projects/(?P<project>\w*)/stories/(?P<story>\d+)/tasks/(?P<task>\d+)',
    r'/projects/(?P<project>\w*)/stories/(?P<story>\d+)/comments/(?P<comment>\d+)',
    r'/projects/(?P<project>\w*)/stories/(?P<story>\d+)/(reviews|transitions)',
    r'/projects/(?P<project>\w*)/stories/(?P<story>\d+)/reviews/(?P<review>\d+)',
    r'/projects/(?P<project>\w*)/iterations/\d+/analytics/cycle_time_details',
    r'/projects/(?P<project>\w*)/history/iterations/\d+/days',
    r'/projects/(?P<project>\w*)/labels', r'/projects/(?P<project>\w*)/labels/(?P<label>\d+)',
    r'/projects/(?P<project>\w*)/search', r'/projects/(?P<project>\w*)/labels', r'/projects/(?P<project>\w*)/labels/(?P<label>\d+)',
    r'/projects/(?P<project>\w*)/epics', r'/projects/(?P<project>\w*)/epics/(?P<epic>\d+)',
    r'/epics/(?P<epic>\d+)',
    r'/projects/(?P<project>\w*)/iterations', r'/projects/(?P<project>\w*)/releases',
    r'/projects/(?P<project>\w*)/epics/(?P<epic>\d+)/comments',
    r'/projects/(?P<project>\w*)/epics/(?P<epic>\d+)/comments/(?P<comment>\d+)',
]
# Parameters that name other resources.
REFERENCES = {'file_attachment_ids_to_add': 'file_attachment',
              'file_attachment_ids_to_remove': 'file_attachment',
              'file_attachment_ids': 'file_attachment'}
# What kind stands under a key, where the resources do not say it themselves.
KINDS = {'labels': 'label', 'label': 'label', 'owners': 'person', 'owned_by': 'person',
         'requested_by': 'person', 'person': 'person', 'epics': 'epic', 'tasks': 'task',
         'comments': 'comment', 'reviews': 'review', 'review_type': 'review_type',
         'pull_requests': 'pull_request', 'file_attachments': 'file_attachment',
         'account': 'account_summary', 'stories': 'story', 'projects': 'membership_summary'}
# What activity says of resources is as free as they are.
FREE = {'original_values', 'new_values'}
CORS = ['Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials',
        'Access-Control-Allow-Methods', 'Access-Control-Allow-Headers']
PAGINATION = ['X-Tracker-Pagination-' + n for n in ('Total', 'Limit', 'Offset', 'Returned')]


def why_not_covered(x, dump):
    """None when the server must answer it as recorded."""
    match = next(filter(None, (re.fullmatch(r, x.path) for r in ROUTES)), None)
    if not match:
        return 'not served yet'
    if x.status == 404:
        return None
    for kind, text in match.groupdict().items():
        if text and int(text) not in dump.get(kind, {}):
            return f'the dump has no {kind} {text}'
    body = json.loads(x.sent_body) if x.sent_body else {}
    for key, kind in REFERENCES.items():
        for n in body.get(key, []):
            if n not in dump.get(kind, {}):
                return f'the dump has no {kind} {n}'
    return None


def type_name(value):
    if isinstance(value, bool):
        return 'boolean'
    if isinstance(value, (int, float)):
        return 'number'
    return {str: 'string', list: 'list', dict: 'object', type(None): 'null'}[type(value)]


def identity(value):
    return value.get('id', value.get('guid')) if isinstance(value, dict) else None


class Comparison:
    def __init__(self, x, dump):
        self.x = x
        self.dump = dump
        self.sent = x.sent_keys()
        self.found = []

    def say(self, text):
        if text not in self.found:
            self.found.append(text)

    # ---- headers ----

    def headers(self, ours, body):
        want = self.x.headers
        for name in ('Content-Type', *CORS):
            if name in want and ours.get(name) != want[name]:
                self.say(f'{name}: {want[name]!r} recorded, {ours.get(name)!r} here')
        if words(ours.get('Cache-Control')) != words(want.get('Cache-Control')):
            self.say(f"Cache-Control: {want.get('Cache-Control')!r} recorded, "
                     f"{ours.get('Cache-Control')!r} here")
        for name in ('X-Tracker-Project-Version', *PAGINATION):
            if (name in want) != (name in ours):
                self.say(f"{name}: {'' if name in want else 'not '}recorded, "
                         f"{'' if name in ours else 'not '}here")
        if 'ETag' in want and 'ETag' not in ours:
            self.say('ETag: recorded, not here')
        if self.x.status != 200 and 'ETag' in ours:
            self.say('ETag: here, on no 200')
        if all(name in want and name in ours for name in PAGINATION):
            self.pagination(ours, body)

    def pagination(self, ours, body):
        total, limit, offset, returned = (int(ours[name]) for name in PAGINATION)
        for name, n in (('Limit', limit), ('Offset', offset)):
            if n != int(self.x.headers['X-Tracker-Pagination-' + name]):
                self.say(f'X-Tracker-Pagination-{name}: another than recorded: {n}')
        start = offset if offset >= 0 else max(0, total + offset)  # from the end
        if returned != len(body) or returned > limit or \
                returned != max(0, min(limit, total - start)):
            self.say(f'pagination is not consistent: {total} {limit} {offset} {returned} '
                     f'for {len(body)}')

    # ---- bodies ----

    def values(self, want, ours, path, kind):
        if type_name(want) != type_name(ours):
            self.say(f'{path}: {type_name(want)} recorded, {type_name(ours)} here')
        elif isinstance(want, dict):
            self.objects(want, ours, path, kind)
        elif isinstance(want, list):
            self.lists(want, ours, path, kind)

    def objects(self, want, ours, path, kind):
        kind = want.get('kind', kind)
        known = self.dump.get(kind, {}).get(identity(ours))
        for key in want.keys() | ours.keys():
            where = f'{path}.{key}' if path else key
            if key in want and key in ours:
                if key not in FREE:
                    self.values(want[key], ours[key], where, KINDS.get(key))
            elif key in want:
                # Null in the dump, and not set by this request: V5 would leave it out, too.
                if known is None or key in known or (key in self.sent and not path):
                    self.say(f'{where}: recorded, not here')
            elif known is None or key not in known:
                self.say(f'{where}: here, not recorded')

    def lists(self, want, ours, path, kind):
        mine = {identity(o): o for o in ours if identity(o) is not None}
        rest = []
        for w in want:
            if identity(w) in mine:
                self.values(w, mine[identity(w)], f'{path}[]', kind)
            else:
                rest.append(w)
        if rest and ours and not all(identity(o) in map(identity, want) for o in ours):
            self.unions(rest, ours, f'{path}[]', kind)

    def unions(self, want, ours, path, kind):
        """Lists of different resources: what any of them has on one side against the other."""
        if {type_name(v) for v in want} != {type_name(v) for v in ours}:
            self.say(f'{path}: other types than recorded')
        want = [v for v in want if isinstance(v, dict)]
        ours = [v for v in ours if isinstance(v, dict)]
        here, there = union(ours), union(want)
        for key in here.keys() & there.keys() - FREE:
            if not isinstance(there[key], (dict, list)) or type_name(here[key]) != type_name(there[key]):
                self.values(there[key], here[key], f'{path}.{key}', KINDS.get(key))
        known = union([self.dump.get(w.get('kind', kind), {}).get(identity(w), {})
                       for w in want + ours])
        for key in there.keys() - here.keys():
            if not ours or all(key in self.known(o, kind, o) for o in ours):
                self.say(f'{path}.{key}: recorded, not here')
        for key in here.keys() - there.keys():
            if key not in known:
                self.say(f'{path}.{key}: here, not recorded')

    def known(self, o, kind, otherwise):
        return self.dump.get(o.get('kind', kind), {}).get(identity(o), otherwise)


def words(text):
    return {w.strip() for w in (text or '').split(',')}


def union(objects):
    merged = {}
    for o in objects:
        merged.update(o)
    return merged


def compare(x, answer, dump):
    c = Comparison(x, dump)
    if answer.status != x.status:
        c.say(f'status: {x.status} recorded, {answer.status} here: {answer.body[:300]!r}')
        return c.found
    body = json.loads(answer.body) if answer.body else None
    c.headers(answer.headers, body)
    kind = None
    if x.body is not None and body is not None:
        c.values(x.body, body, '', kind)
    elif (x.body is None) != (body is None):
        c.say('a body on one side only')
    return c.found


def read_table():
    """The disagreements that docs/conformance.md lists: number -> reason."""
    listed = {}
    for line in (ROOT / 'docs/conformance.md').read_text(encoding='utf-8').splitlines():
        cells = [c.strip() for c in line.strip('|').split('|')]
        if len(cells) == 4 and re.fullmatch(r'\d{4}( \d{4})*', cells[0]):
            listed.update({n: cells[3] for n in cells[0].split()})
    return listed


def recorded_workspaces(person):
    """No dump has workspaces, but the recordings tell a person's whole."""
    found = {}
    for x in exchanges():
        if x.method == 'GET' and re.fullmatch(r'/my/workspaces/\d+', x.path) and x.status == 200 \
                and x.body['person_id'] == person:
            found[x.body['id']] = {k: v for k, v in x.body.items() if k != 'projects'}
    assert found
    return found


@NEEDS_DATA
def test_recorded_exchanges_agree(serve, tmp_path, capsys):
    dump = dump_index()
    base = tmp_path / 'base.db'
    done = storyfs('import', *dump_folders(), base)
    assert done.returncode == 0, done.stderr
    reader = serve(base)
    dump['workspace'] = recorded_workspaces(reader.request('GET', '/me').json()['id'])
    folder = write_dump(tmp_path / 'told', {'workspace': list(dump['workspace'].values())})
    assert storyfs('import', folder, base).returncode == 0
    listed = read_table()
    covered, agreed, left, unlisted = 0, 0, {}, []

    def ask(x, server):
        return server.request(x.method, x.target, body=x.sent_body,
                              headers={'Content-Type': x.sent_type} if x.sent_type else {})

    for x in exchanges():
        if reason := why_not_covered(x, dump):
            left.setdefault(reason, []).append(x.number)
            continue
        covered += 1
        if x.method == 'GET':
            found = compare(x, ask(x, reader), dump)
        else:
            copy = shutil.copy(base, tmp_path / f'{x.number}.db')
            server = serve(copy)
            found = compare(x, ask(x, server), dump)
            assert server.stop() == 0, server.errors
        agreed += not found
        if bool(found) != (x.number in listed):
            unlisted.append((x, found))
        with capsys.disabled():
            for text in found:
                mark = 'listed' if x.number in listed else 'NOT LISTED'
                print(f'\n{x.number} {x.method} {x.target[:80]}: {text} ({mark})', end='')
    with capsys.disabled():
        print(f'\ncovered {covered}, agree {agreed}')
        for reason, numbers in sorted(left.items()):
            print(f'  not covered, {reason}: {len(numbers)}')
    assert covered > 100
    for x, found in unlisted:
        assert found, f'{x.number} agrees, but docs/conformance.md lists it'
    assert not unlisted, 'disagreements that docs/conformance.md does not list: ' + \
        ' '.join(x.number for x, _ in unlisted)


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
