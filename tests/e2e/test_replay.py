# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened is told in full: whoever knows a project at one version, and reads nothing but its
activity from there on, knows it as it is. Two people change it from several threads meanwhile.
"""
import concurrent.futures
import random

import pytest

from conftest import ROOT, storyfs

PROJECT = 2684301
COMMANDS = 400
THREADS = 4
SEED = 20240506
STORY_FIELDS = ':default,label_ids,follower_ids,blocked_story_ids'
TYPES = ('feature', 'feature', 'bug', 'chore', 'release')
PRIORITIES = ('p0', 'p1', 'p2', 'p3', 'none')
STATES = ('unscheduled', 'unstarted', 'started', 'finished', 'delivered', 'rejected', 'accepted')
REFUSED = (400, 404)  # what another thread's change may make of a command


@pytest.fixture
def demo(tmp_path):
    path = tmp_path / 'demo.db'
    dumps = sorted(p for p in (ROOT / 'packaging' / 'demo-data').iterdir() if p.is_dir())
    done = storyfs('import', *dumps, path)
    assert done.returncode == 0, done.stderr
    return path


def get_all(server, path, limit=100):
    """Every item of a paginated list, advancing by the limit that the server echoes."""
    items, offset = [], 0
    while True:
        sep = '&' if '?' in path else '?'
        answer = server.request('GET', f'{path}{sep}limit={limit}&offset={offset}')
        assert answer.status == 200, answer.body
        items += answer.json()
        offset += int(answer.headers['X-Tracker-Pagination-Limit'])
        if offset >= int(answer.headers['X-Tracker-Pagination-Total']):
            return items


def get(server, path):
    answer = server.request('GET', path)
    assert answer.status == 200, f'{path}: {answer.body}'
    return answer.json()


# ---- the commands ----

class Writer:
    """One thread's share of the commands, as one of the people."""

    def __init__(self, server, token, seed, known):
        self.server, self.token, self.known = server, token, known
        self.random = random.Random(seed)
        self.connection = server.connect()
        self.statuses = []
        self.versions = []

    def send(self, method, path, body=None):
        answer = self.server.request(method, f'/projects/{PROJECT}{path}', body,
                                     token=self.token, connection=self.connection)
        assert answer.status in (200, 204, *REFUSED), f'{method} {path} {body}: {answer.body}'
        self.statuses.append(answer.status)
        if answer.status < 300:
            self.versions.append(int(answer.headers['X-Tracker-Project-Version']))
        return answer.json() if answer.status == 200 else None

    def story(self):
        return self.random.choice(self.known['stories'])

    def labels(self):
        words = ('admin', 'Shop', 'press', 'new one', f'l{self.random.randrange(30)}')
        return [{'name': w} for w in self.random.sample(words, self.random.randrange(3))]

    def create(self):
        r = self.random
        body = {'name': f'Story {r.randrange(10**6)}', 'story_type': r.choice(TYPES)}
        if r.random() < 0.5:
            body['labels'] = self.labels()
        if r.random() < 0.3:
            body['owner_ids'] = r.sample(self.known['people'], 2)
        if r.random() < 0.3:
            body['tasks'] = [{'description': f't{i}'} for i in range(r.randrange(1, 4))]
        if r.random() < 0.3:
            body['comments'] = [{'text': 'first'}]
        if r.random() < 0.2:
            body['blockers'] = [{'description': f'waits for #{self.story()}'}]
        if r.random() < 0.4:
            body['before_id'] = self.story()
        made = self.send('POST', '/stories', body)
        if made:
            self.known['stories'].append(made['id'])

    def update(self):
        r = self.random
        body = {}
        for key, value in (('name', f'Renamed {r.randrange(10**6)}'),
                           ('description', r.choice((None, 'text\nmore', 'ünï “quoted” \U0001f34e'))),
                           ('estimate', r.choice((None, 0, 1, 2, 3))),
                           ('current_state', r.choice(STATES)), ('story_type', r.choice(TYPES)),
                           ('labels', self.labels()),
                           ('owner_ids', r.sample(self.known['people'], r.randrange(3))),
                           ('follower_ids', r.sample(self.known['people'], r.randrange(3))),
                           ('requested_by_id', r.choice(self.known['people'])),
                           ('external_id', r.choice((None, f'x{r.randrange(100)}'))),
                           ('story_priority', r.choice(PRIORITIES)),
                           ('comment', {'text': 'by the way'})):
            if r.random() < 0.25:
                body[key] = value
        if body.get('story_type') == 'release' or r.random() < 0.05:
            body['deadline'] = r.choice((None, '2030-01-01T00:00:00Z'))
        if body.get('current_state') == 'accepted' and r.random() < 0.5:
            body['accepted_at'] = '2024-01-02T03:04:05Z'
        self.send('PUT', f'/stories/{self.story()}', body)

    def move(self):
        key = self.random.choice(('before_id', 'after_id'))
        body = {key: self.random.choice((None, self.story(), self.story()))}
        if self.random.random() < 0.2:
            body = {'group': self.random.choice(('scheduled', 'unscheduled'))}
        self.send('PUT', f'/stories/{self.story()}', body)

    def delete(self):
        self.send('DELETE', f'/stories/{self.story()}')

    def label(self):
        r = self.random
        story = self.story()
        what = r.randrange(4)
        if what == 0:
            self.send('POST', f'/stories/{story}/labels', {'name': f'l{r.randrange(30)}'})
        elif what == 1:
            made = self.send('POST', '/labels', {'name': f'label {r.randrange(1000)}'})
            if made:
                self.known['labels'].append(made['id'])
        elif what == 2:
            self.send('PUT', f'/labels/{r.choice(self.known["labels"])}',
                      {'name': f'renamed {r.randrange(1000)}'})
        elif r.random() < 0.4:
            self.send('DELETE', f'/labels/{r.choice(self.known["labels"])}')

    def task(self):
        r = self.random
        story = self.story()
        made = self.send('POST', f'/stories/{story}/tasks',
                         {'description': f'task {r.randrange(1000)}', **r.choice(({}, {'position': 1}))})
        if made and r.random() < 0.7:
            self.send('PUT', f'/stories/{story}/tasks/{made["id"]}',
                      r.choice(({'complete': True}, {'position': 1}, {'description': 'rewritten'})))
        if made and r.random() < 0.3:
            self.send('DELETE', f'/stories/{story}/tasks/{made["id"]}')

    def comment(self):
        r = self.random
        story = self.story()
        made = self.send('POST', f'/stories/{story}/comments', {'text': f'comment {r.randrange(1000)}'})
        for emoji in r.sample(('+1', 'heart'), r.randrange(3)) if made else ():
            self.send('POST', f'/stories/{story}/comments/{made["id"]}/reactions', {'emoji': emoji})
        if made and r.random() < 0.5:
            self.send('PUT', f'/stories/{story}/comments/{made["id"]}', {'text': 'on second thoughts'})
        if made and r.random() < 0.3:
            self.send('DELETE', f'/stories/{story}/comments/{made["id"]}')

    def follow(self):
        path, person = f'/stories/{self.story()}/followers', self.random.choice(self.known['people'])
        if self.random.random() < 0.6:
            self.send('POST', path, {'person_id': person})
        else:
            self.send('DELETE', f'{path}/{person}')

    def blocker(self):
        r = self.random
        story = self.story()
        text = r.choice(('nobody has time', f'#{self.story()}', f'#{self.story()} and #{self.story()}'))
        made = self.send('POST', f'/stories/{story}/blockers', {'description': text})
        if made and r.random() < 0.5:
            self.send('PUT', f'/stories/{story}/blockers/{made["id"]}', r.choice((
                {'resolved': True}, {'description': f'see #{self.story()}'})))
        if made and r.random() < 0.3:
            self.send('DELETE', f'/stories/{story}/blockers/{made["id"]}')

    def part(self):
        """Reviews, pull requests and branches: what is made, and what is changed of it."""
        r = self.random
        plural, body, change = r.choice((
            ('reviews', {'review_type_id': self.known['review_type'],
                         'reviewer_id': r.choice((None, r.choice(self.known['people'])))},
             {'status': r.choice(('in_review', 'pass', 'revise'))}),
            ('pull_requests', {'original_url': f'https://example.com/o/r/{r.randrange(100)}', 'number': 7},
             {'status': 'merged'}),
            ('branches', {'name': f'b{r.randrange(1000)}'}, None)))
        path = f'/stories/{self.story()}/{plural}'
        made = self.send('POST', path, body)
        if made and change and r.random() < 0.6:
            self.send('PUT', f'{path}/{made["id"]}', change)
        if made and r.random() < 0.3:
            self.send('DELETE', f'{path}/{made["id"]}')

    def epic(self):
        r = self.random
        made = self.send('POST', '/epics', {'name': f'Epic {r.randrange(10**6)}', 'description': 'd'})
        if made:
            self.send('PUT', f'/epics/{made["id"]}', r.choice((
                {'name': 'Other'}, {'description': None}, {'after_id': None},
                {'label': {'name': f'l{r.randrange(30)}'}})))
            self.send('POST', f'/epics/{made["id"]}/comments', {'text': 'on the epic'})
            self.send('POST', f'/epics/{made["id"]}/followers', {'id': r.choice(self.known['people'])})
        if made and r.random() < 0.3:
            self.send('DELETE', f'/epics/{made["id"]}')

    def run(self, n):
        whats = (self.create,) * 4 + (self.update,) * 8 + (self.move,) * 4 + (self.delete,) + \
            (self.label,) * 3 + (self.task,) * 3 + (self.comment,) * 2 + (self.blocker,) * 3 + (self.follow,) + (self.epic,) + \
            (self.part,) * 3
        while len(self.statuses) < n:
            self.random.choice(whats)()
        self.connection.close()


# ---- knowing by activity alone ----

IN_STORY = {'task': 'tasks', 'comment': 'comments', 'blocker': 'blockers', 'review': 'reviews',
            'pull_request': 'pull_requests', 'branch': 'branches'}
KEPT = ('story', *IN_STORY, 'reaction', 'label', 'epic')
PLACES = ('before_id', 'after_id')


def empty(value):
    return value is None or value == []


class Replay:
    """A project's resources and the order of its stories and epics, kept by applying changes."""

    def __init__(self, server):
        base = f'/projects/{PROJECT}'
        stories = get_all(server, f'{base}/stories?fields={STORY_FIELDS}')
        epics = get(server, f'{base}/epics?fields=:default,label_id,follower_ids,comments')
        self.known = {kind: {} for kind in KEPT}
        self.order = {'story': [s['id'] for s in stories], 'epic': [e['id'] for e in epics]}
        self.touched = set()
        for story in stories:
            story['labels'] = [label['name'] for label in story['labels']]
            self.known['story'][story['id']] = story
            for kind in IN_STORY:
                for item in get(server, f'{base}/stories/{story["id"]}/{IN_STORY[kind]}'):
                    self.known[kind][item['id']] = item
        for label in get(server, f'{base}/labels?fields=:default,counts'):
            self.known['label'][label['id']] = label
        for epic in epics:
            for comment in epic.pop('comments'):
                self.known['comment'][comment['id']] = comment
            epic.pop('label', None)
            self.known['epic'][epic['id']] = epic

    def place(self, kind, item, values, where):
        """Put it where values say, given only what changed; the rest is where it stood."""
        order = self.order[kind]
        if item in order:
            at = order.index(item)
            stood = {'after_id': order[at - 1] if at else None,
                     'before_id': order[at + 1] if at + 1 < len(order) else None}
            order.remove(item)
        else:
            stood = dict.fromkeys(PLACES)
        new = {**stood, **{k: values[k] for k in PLACES if k in values}}
        at = order.index(new['after_id']) + 1 if new['after_id'] else 0
        below = order[at] if at < len(order) else None
        assert below == new['before_id'], f'{where}: no such gap {new}'
        order.insert(at, item)

    def label_names(self, story):
        """A label that is renamed is no change of its stories."""
        return sorted(self.known['label'][i]['name'] for i in self.known['story'][story]['label_ids'])

    def check_originals(self, kind, item, originals, where):
        known = self.known[kind][item]
        for key, value in originals.items():
            if key in PLACES:
                order = self.order[kind]
                at = order.index(item) + (1 if key == 'before_id' else -1)
                have = order[at] if 0 <= at < len(order) else None
            elif kind == 'story' and key == 'labels':
                assert value == sorted(value), where
                have = self.label_names(item)
            elif key.endswith('_ids') and known.get(key):
                have, value = sorted(known[key]), sorted(value or [])
            else:
                have = known.get(key)
            assert have == value or (empty(have) and empty(value)), \
                f'{where}: {kind} {item} {key} was {have!r}, said to be {value!r}'

    def drop(self, kind, item):
        del self.known[kind][item]
        if kind in self.order:
            self.order[kind].remove(item)
        parent = {'story': 'story_id', 'epic': 'epic_id', 'comment': 'comment_id'}.get(kind)
        for child in (*IN_STORY, 'reaction') if parent else ():
            for i in [i for i, v in self.known[child].items() if v.get(parent) == item]:
                self.drop(child, i)

    def apply_change(self, change, where):
        kind, item = change['kind'], change.get('id')
        if kind not in KEPT:
            return
        if kind == 'story':
            self.touched.add(item)
        if change['change_type'] == 'delete':
            self.drop(kind, item)
            return
        new = change['new_values']
        if change['change_type'] == 'create':
            assert item not in self.known[kind], f'{where}: {kind} {item} made twice'
            self.known[kind][item] = {}
        else:
            assert set(change['original_values']) == set(new), where
            self.check_originals(kind, item, change['original_values'], where)
        if kind in self.order and (change['change_type'] == 'create' or set(PLACES) & set(new)):
            self.place(kind, item, new, where)
        self.known[kind][item].update({k: v for k, v in new.items() if k not in PLACES})

    def apply(self, activity):
        for i, change in enumerate(activity['changes']):
            self.apply_change(change, f'{activity["guid"]} ({activity["message"]}) change {i}')


def differences(rebuilt, sent, skip=()):
    """Either way: what is sent is known, and what is known and no null is sent."""
    return {key: (rebuilt.get(key), value) for key, value in sent.items()
            if key not in ('kind', 'url', *skip) and rebuilt.get(key) != value} | \
           {key: (value, None) for key, value in rebuilt.items()
            if not empty(value) and key not in sent and key not in skip}


def compare_stories(server, replay):
    base = f'/projects/{PROJECT}'
    for story in sorted(replay.touched | set(replay.known['story'])):
        answer = server.request('GET', f'{base}/stories/{story}?fields={STORY_FIELDS}')
        if story not in replay.known['story']:
            assert answer.status == 404
            continue
        assert answer.status == 200, answer.body
        sent = answer.json()
        sent['labels'] = [label['name'] for label in sent['labels']]
        known = replay.known['story'][story]
        known['labels'] = replay.label_names(story)
        for key in ('label_ids', 'blocked_story_ids'):
            sent[key].sort()
            known[key].sort()
        assert not differences(known, sent), story
        for kind in IN_STORY:
            items = {i['id']: i for i in get(server, f'{base}/stories/{story}/{IN_STORY[kind]}')}
            mine = {i: v for i, v in replay.known[kind].items() if v.get('story_id') == story}
            assert set(items) == set(mine), (kind, story)
            for i, item in items.items():
                assert not differences(mine[i], item), (kind, i)


def compare_reactions(server, replay):
    found = {}
    for story in sorted(replay.touched & set(replay.known['story'])):
        path = f'/projects/{PROJECT}/stories/{story}/comments?fields=reactions'
        for comment in get(server, path):
            found.update({i['id']: i for i in comment['reactions']})
    assert set(found) == set(replay.known['reaction'])
    for i, reaction in found.items():
        assert not differences(replay.known['reaction'][i], reaction)


def compare_rest(server, replay):
    base = f'/projects/{PROJECT}'
    compare_reactions(server, replay)
    assert [s['id'] for s in get_all(server, f'{base}/stories?fields=name')] == replay.order['story']
    epics = get(server, f'{base}/epics?fields=:default,label_id,follower_ids')
    assert [e['id'] for e in epics] == replay.order['epic']
    for epic in epics:
        assert not differences(replay.known['epic'][epic['id']], epic, skip=('label',)), epic
    labels = {i['id']: i for i in get(server, f'{base}/labels?fields=:default,counts')}
    assert set(labels) == set(replay.known['label'])
    for i, label in labels.items():
        assert not differences(replay.known['label'][i], label), label


def token_of(archive, person):
    made = storyfs('user', 'token', archive, person['username'])
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def prepare(archive, server):
    """What commands may name. The version from which on activity is read, and what is known then."""
    members = get(server, f'/projects/{PROJECT}/memberships?sort_by=name')
    owner = next(m['person'] for m in members if m['role'] == 'owner')
    made = server.request('POST', f'/projects/{PROJECT}/review_types', {'name': 'Code'},
                          token=token_of(archive, owner))
    assert made.status == 200, made.body
    people = [m['person'] for m in members if m['role'] != 'viewer']
    since, replay = get(server, f'/projects/{PROJECT}')['version'], Replay(server)
    return since, replay, {'stories': list(replay.known['story']), 'labels': list(replay.known['label']),
                           'people': [p['id'] for p in people], 'review_type': made.json()['id']}


@pytest.mark.parametrize('threads', (1, THREADS))
def test_activity_alone_tells_what_became_of_a_project(demo, serve, threads):
    server = serve(demo)
    people = [m['person'] for m in get(server, f'/projects/{PROJECT}/memberships?sort_by=name')
              if m['role'] != 'viewer']
    tokens = [token_of(demo, person) for person in people[:2]]
    since, replay, known = prepare(demo, server)
    writers = [Writer(server, tokens[i % 2], SEED + i, known) for i in range(threads)]
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(w.run, COMMANDS // threads) for w in writers]:
            done.result()
    statuses = [status for w in writers for status in w.statuses]
    assert sum(status < 300 for status in statuses) > len(statuses) / 2

    version = get(server, f'/projects/{PROJECT}')['version']
    assert max(v for w in writers for v in w.versions) == version
    for w in writers:
        assert w.versions == sorted(w.versions)
    told = get_all(server, f'/projects/{PROJECT}/activity?since_version={since}&sort_order=asc', 37)
    assert [a['project_version'] for a in told] == list(range(since + 1, version + 1))
    assert {a['performed_by']['id'] for a in told} <= {p['id'] for p in people[:2]}
    assert {change['kind'] for activity in told for change in activity['changes']} >= set(KEPT)
    for activity in told:
        assert activity['guid'] == f'{PROJECT}_{activity["project_version"]}'
        replay.apply(activity)
    compare_stories(server, replay)
    compare_rest(server, replay)
