# SPDX-License-Identifier: GPL-2.0-or-later
"""Two people at work on one project, each hears of what the other does, and reads it as V5's clients did."""
import json

import pytest

from conftest import storyfs

PROJECT = 99


def person(ident, name):
    return {'kind': 'person', 'id': ident, 'name': name, 'username': name.lower(), 'initials': name[:2]}


@pytest.fixture
def team(tmp_path, serve):
    """A server, and a function that asks it as one of two people."""
    dump = tmp_path / 'dump'
    dump.mkdir()
    people = [person(1, 'Ada'), person(2, 'Ben')]
    for kind, items in {
            'project': [{'kind': 'project', 'id': PROJECT, 'name': 'Moon', 'version': 1, 'enable_following': True}],
            'person': people,
            'project_membership': [{'kind': 'project_membership', 'id': p['id'], 'project_id': PROJECT,
                                    'role': 'owner', 'person': p} for p in people],
            'story': [{'kind': 'story', 'id': 5, 'project_id': PROJECT, 'name': 'Land', 'story_type': 'bug',
                       'current_state': 'unstarted', 'requested_by_id': 1, 'owner_ids': [2], 'labels': []}],
    }.items():
        (dump / f'{kind}.json').write_text(json.dumps(items), encoding='utf-8')
    archive = tmp_path / 'a.db'
    done = storyfs('import', dump, archive)
    assert done.returncode == 0, done.stderr
    tokens = {p['name']: storyfs('user', 'token', archive, p['username']).stdout.strip() for p in people}
    server = serve(archive)

    def ask(who, method, path, body=None, status=200):
        answer = server.request(method, path, body, token=tokens[who])
        assert answer.status == status, f'{method} {path}: {answer.body}'
        return answer
    return ask


def notifications(ask, who, query=''):
    return ask(who, 'GET', f'/my/notifications{query}').json()


def test_a_conversation_is_heard(team):
    story = f'/projects/{PROJECT}/stories/5'
    team('Ada', 'POST', f'{story}/comments', {'text': 'when, @ben?'})
    team('Ben', 'POST', f'{story}/comments', {'text': 'soon'})
    team('Ben', 'PUT', story, {'current_state': 'started'})
    team('Ada', 'POST', f'{story}/blockers', {'description': 'no fuel'})
    heard = notifications(team, 'Ben')
    assert [(n['notification_type'], n['message']) for n in heard] == [
        ('blocker', 'Ada added a blocker: "no fuel"'),
        ('comment_with_mention', 'You were mentioned by Ada')]
    # The keys of the recorded notification, and one that came later.
    assert set(heard[1]) == {'kind', 'id', 'project', 'performer', 'message', 'context', 'notification_type',
                             'new_attachment_count', 'action', 'story', 'comment_id', 'created_at', 'updated_at', 'link'}
    assert heard[1]['performer'] == {'kind': 'person', 'id': 1, 'name': 'Ada'}
    assert heard[1]['story'] == {'kind': 'story', 'id': 5, 'name': 'Land'}
    assert heard[1]['context'] == 'when, @ben?'
    assert [n['message'] for n in notifications(team, 'Ada')] == [
        'Ben started this bug', 'Ben added comment: "soon"']
    assert team('Ada', 'GET', f'/projects/{PROJECT}/stories/5?fields=follower_ids').json()['follower_ids'] == [1, 2]


def test_a_client_polls_from_where_it_stands(team):
    story = f'/projects/{PROJECT}/stories/5'
    team('Ada', 'POST', f'{story}/comments', {'text': 'one'})
    first = team('Ben', 'GET', '/people/2/notifications/since/0').json()
    assert first['http_status'] == '200'
    stamp = first['data'][0]['updated_at']
    assert isinstance(stamp, int) and stamp % 1000 == 0
    answer = team('Ben', 'GET', '/my/notifications?fields=context')
    assert answer.headers['X-Tracker-Last-Notification-Timestamp'] == str(stamp)
    assert 'X-Tracker-Project-Version' not in answer.headers
    assert team('Ben', 'GET', f'/people/2/notifications/since/{stamp}').json()['data'] == []
    ident = first['data'][0]['id']
    team('Ben', 'PUT', '/my/notifications/mark_read', {'before': ident}, status=204)
    assert 'read_at' in notifications(team, 'Ben')[0]
    team('Ada', 'PUT', f'/my/notifications/{ident}', {'read_at': stamp}, status=403)
    team('Ben', 'PUT', '/my/notifications/read_list', {'read_at': stamp}, status=404)


def test_following_is_said_and_unsaid(team):
    story = f'/projects/{PROJECT}/stories/5'
    assert [p['name'] for p in team('Ada', 'POST', f'{story}/followers', {'person_id': 2}).json()] == ['Ben']
    assert team('Ben', 'DELETE', f'{story}/followers/2', status=204).body == b''
    assert team('Ada', 'GET', f'{story}/followers').json() == []
    activity = team('Ada', 'GET', f'{story}/activity').json()
    assert [a['kind'] for a in activity] == ['follower_delete_activity', 'follower_create_activity']
    people = team('Ada', 'GET', f'/my/people?project_id={PROJECT}').json()
    assert [p['person']['name'] for p in people] == ['Ada', 'Ben']
