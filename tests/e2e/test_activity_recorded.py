# SPDX-License-Identifier: GPL-2.0-or-later
"""Does our activity say what the real service's said? Each kind of change that was recorded is made here, too, and
must have its keys: those of the change, and those of the values it tells.
"""
import collections
import json

from conftest import storyfs
from v5_data import NEEDS_DATA, dump_folders

# Of 2015, when V5 told of the layout of a person's panels, and what imports and other endpoints write.
ELSEWHERE = {'project_membership_create_activity'}


def told(items):
    """(activity's kind, change's kind, type of change) -> the keys of the change and of its values."""
    keys = collections.defaultdict(lambda: (set(), set()))
    for item in items:
        for change in item['changes']:
            outer, values = keys[item['kind'], change['kind'], change['change_type']]
            outer.update(change)
            values.update(change.get('new_values', {}))
    return keys


OLD = '2020-01-01T00:00:00Z'  # so that what is changed is changed later than it was made


def make_dump(folder):
    """A project, and one of each thing that is changed, long ago."""
    folder.mkdir()
    story = {'kind': 'story', 'project_id': 99, 'story_type': 'feature', 'current_state': 'unstarted',
             'requested_by_id': 1, 'owner_ids': [], 'created_at': OLD, 'updated_at': OLD}
    label = {'kind': 'label', 'id': 1, 'project_id': 99, 'name': 'old', 'created_at': OLD, 'updated_at': OLD}
    part = {'id': 1, 'created_at': OLD, 'updated_at': OLD}
    for kind, items in {
            'project': [{'kind': 'project', 'id': 99, 'name': 'P', 'version': 1, 'point_scale': '0,1,2,3'}],
            'person': [{'kind': 'person', 'id': 1, 'name': 'Ada', 'username': 'ada', 'initials': 'A'}],
            'label': [label],
            'story': [{**story, 'id': i, 'name': f's{i}', 'labels': [label] if i == 4 else []} for i in range(1, 7)],
            'comment': [{'kind': 'comment', 'story_id': 2, 'text': 'x', 'person_id': 1, **part}],
            'task': [{'kind': 'task', 'story_id': 3, 'description': 't', 'position': 1, 'complete': False, **part}],
    }.items():
        (folder / f'{kind}.json').write_text(json.dumps(items), encoding='utf-8')


def at_work(send):
    """The commands that were recorded."""
    for name in ('a', 'b'):
        send('POST', '/stories', {'name': name, 'description': 'd'})
    send('PUT', '/stories/1', {'labels': [{'name': 'one'}, {'name': 'two'}], 'owner_ids': [1]})
    send('PUT', '/stories/1', {'estimate': 1, 'name': 'c', 'description': 'e'})
    for state in ('started', 'finished', 'delivered', 'accepted', 'rejected', 'unstarted'):
        send('PUT', '/stories/1', {'current_state': state})
    send('PUT', '/stories/2/comments/1', {'text': 'y'})
    send('PUT', '/stories/3/tasks/1', {'description': 'u'})
    send('DELETE', '/labels/1')
    send('POST', '/stories/5/comments', {'text': 'x'})
    send('PUT', '/stories/5', {'estimate': 1, 'current_state': 'accepted'})
    send('POST', '/stories/6/tasks', {'description': 't'})
    send('DELETE', '/stories/6')


@NEEDS_DATA
def test_activity_says_what_was_recorded(serve, tmp_path):
    make_dump(tmp_path / 'dump')
    done = storyfs('import', '--owner', 'ada', tmp_path / 'dump', tmp_path / 'a.db')
    assert done.returncode == 0, done.stderr
    server = serve(tmp_path / 'a.db')

    def send(method, path, body=None):
        answer = server.request(method, f'/projects/99{path}', body)
        assert answer.status in (200, 204), f'{method} {path}: {answer.body}'
        return answer.json() if answer.body else None

    at_work(send)
    ours = told(send('GET', '/activity?limit=500'))
    recorded = collections.Counter()
    for folder in dump_folders():
        path = folder / 'activity.json'
        items = json.loads(path.read_text(encoding='utf-8')) if path.exists() else []
        for where, (outer, values) in told(i for i in items if i['kind'] not in ELSEWHERE).items():
            assert where in ours, where
            assert outer == ours[where][0] - {'story_priority'}, where
            assert values <= ours[where][1], (where, values - ours[where][1])
            recorded[where] += 1
    assert len(recorded) >= 14
