# SPDX-License-Identifier: GPL-2.0-or-later
"""Day histories and analytics against a slow reckoning of the same from the project's stories, transitions and activity,
each asked for by itself: every day of every story is looked at alone. Histories are random, and have the holes of real
dumps: stories without transitions, states that no transition led to, times that contradict each other.
"""
import bisect
import datetime
import random
import time
import zoneinfo

import pytest

from conftest import storyfs, write_dump
from test_replay import get, get_all

PROJECT, OTHER, PERSON, FIRST_STORY = 7, 8, 1, 1000
ZONE = 'America/New_York'
BEGIN = datetime.datetime(2023, 9, 4, 4, tzinfo=datetime.timezone.utc)  # a midnight of the zone, a Monday
STATES = ('accepted', 'delivered', 'finished', 'started', 'rejected', 'planned', 'unstarted', 'unscheduled')
WORK = ('started', 'finished', 'delivered', 'rejected')
TYPES = ('feature', 'bug', 'chore', 'release')
DAY = 86400


# ---- random histories ----

def text_of(seconds):
    """An instant, so many seconds after BEGIN, as V5 writes it."""
    return (BEGIN + datetime.timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%SZ')


class History:
    """The resources of one project over so many days; now and then something falls on a midnight."""

    def __init__(self, seed, n_stories, n_days):
        self.random = random.Random(seed)
        self.end = n_days * DAY
        self.events = []  # (instant, story, transition or change)
        self.stories = [self.make_story(FIRST_STORY + i) for i in range(n_stories)]
        self.transitions, self.activity = [], []
        for version, (at, story, what) in enumerate(sorted(self.events, key=lambda e: e[0]), 2):
            self.tell(version, at, story, what)

    def instant(self, after=0):
        at = self.random.randint(min(after, self.end), self.end)
        return at - at % DAY if self.random.random() < 0.1 else at

    def walk(self, story, created):
        """Transitions from the making on; the state it ends with."""
        at, before = created, None
        for _ in range(self.random.choice((0, 1, 1, 3, 5, 8))):
            state = self.random.choice(STATES)
            if state != before:
                self.events.append((at, story, {'current_state': (before, state)}))
            before = state
            at = at if self.random.random() < 0.1 else max(at, self.instant(at))
        return before, at

    def make_story(self, story_id):
        chance = self.random.random
        created = self.instant()
        # Of some, the first transition is not the making: what they were before is told, or is not.
        begin = created if chance() < 0.7 else self.instant(created)
        state, last = self.walk(story_id, begin)
        if state is None or chance() < 0.15:
            state = self.random.choice(STATES)
        story = {'kind': 'story', 'id': story_id, 'project_id': PROJECT, 'name': f's{story_id}', 'labels': [],
                 'story_type': self.random.choice(TYPES), 'current_state': state, 'owner_ids': [],
                 'requested_by_id': PERSON, 'url': f'http://localhost/story/show/{story_id}',
                 'created_at': text_of(created),
                 'updated_at': text_of(last if chance() < 0.7 else self.instant())}
        if chance() < 0.7:
            story['estimate'] = self.random.choice((0, 1, 2, 3, 0.1, 0.7))
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self.events.append((self.instant(created), story_id, {'estimate': (self.random.randint(0, 8), 1)}))
        if state == 'accepted':
            story['accepted_at'] = text_of(last if chance() < 0.7 else self.instant())
        return story

    def tell(self, version, at, story, what):
        project = PROJECT if self.random.random() < 0.95 else OTHER
        if 'current_state' in what:
            self.transitions.append({
                'kind': 'story_transition', 'state': what['current_state'][1], 'story_id': story, 'project_id': project,
                'project_version': version, 'occurred_at': text_of(at), 'performed_by_id': PERSON})
        if self.random.random() < 0.2:
            return
        before = {key: old for key, (old, _) in what.items() if old is not None}
        change = {'kind': 'story', 'change_type': 'update' if before else 'create', 'id': story,
                  'new_values': {key: new for key, (_, new) in what.items()}}
        if before:
            change['original_values'] = before
        self.activity.append({
            'kind': 'story_update_activity', 'guid': f'{project}_{version}', 'project_version': version,
            'message': 'did', 'highlight': 'did', 'changes': [change], 'primary_resources': [],
            'secondary_resources': [], 'project': {'kind': 'project', 'id': project, 'name': 'p'},
            'performed_by': {'kind': 'person', 'id': PERSON, 'name': 'P', 'initials': 'P'}, 'occurred_at': text_of(at)})

    def dump(self, folder):
        projects = [{'kind': 'project', 'id': p, 'name': f'p{p}', 'version': 10 ** 6, 'created_at': text_of(0),
                     'start_date': BEGIN.date().isoformat(), 'iteration_length': 1, 'week_start_day': 'Monday',
                     'point_scale': '0,1,2,3', 'bugs_and_chores_are_estimatable': True,
                     'time_zone': {'kind': 'time_zone', 'olson_name': ZONE}} for p in (PROJECT, OTHER)]
        person = {'kind': 'person', 'id': PERSON, 'name': 'P', 'initials': 'P', 'username': 'p', 'email': 'p@example.org'}
        return write_dump(folder, {'project': projects, 'person': [person], 'story': self.stories,
                                   'story_transition': self.transitions, 'activity': self.activity})


# ---- the slow reckoning ----

def read_time(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


class Past:
    """How each story stood at each instant, from the resources that the server gives out."""

    def __init__(self, server):
        path = f'/projects/{PROJECT}'
        self.stories = get_all(server, f'{path}/stories?fields=:default', 500)
        self.transitions = {s['id']: get_all(server, f'{path}/stories/{s["id"]}/transitions', 500) for s in self.stories}
        self.activity = {(p, a['project_version']): a for p in (PROJECT, OTHER)
                         for a in get_all(server, f'/projects/{p}/activity', 500)}
        self.steps = {s['id']: self.steps_of(s) for s in self.stories}
        self.points = {s['id']: self.points_of(s) for s in self.stories}

    @staticmethod
    def made(story):
        created = read_time(story['created_at'])
        return min(created, read_time(story['accepted_at'])) if 'accepted_at' in story else created

    def state_before(self, transition):
        """What activity calls the state before a transition; that of a story made by it is its own."""
        item = self.activity.get((transition['project_id'], transition['project_version']))
        change = next((c for c in item['changes'] if c['id'] == transition['story_id']), None) if item else None
        if not change:
            return None
        if 'original_values' not in change:
            return transition['state']
        return change['original_values'].get('current_state')

    def steps_of(self, story):
        """(instant, the state before it), the earliest first; a state of None is not known."""
        found = [(read_time(t['occurred_at']), t) for t in self.transitions[story['id']]]
        accepted = read_time(story['accepted_at']) if 'accepted_at' in story else None
        steps = []
        if found:
            at, first = found[0]
            before = self.state_before(first) if at > self.made(story) else None
            if first['state'] == 'accepted' and accepted is not None and accepted < at and before in ('accepted', None):
                steps.append((accepted, None))
                before = 'accepted'
            steps.append((at, before))
            steps += [(at, earlier['state']) for (_, earlier), (at, _) in zip(found, found[1:])]
        is_accepted = story['current_state'] == 'accepted' and accepted is not None
        if found and found[-1][1]['state'] != story['current_state']:
            at, last = found[-1]
            steps.append((max(at, accepted if is_accepted else read_time(story['updated_at'])), last['state']))
        elif not found and is_accepted:
            steps.append((accepted, None))
        return sorted(steps, key=lambda step: step[0])

    def points_of(self, story):
        """(instant, the estimate before it) of those that activity of this project tells."""
        found = [(read_time(a['occurred_at']), c['original_values']['estimate'])
                 for (project, _), a in sorted(self.activity.items()) if project == PROJECT
                 for c in a['changes'] if c['id'] == story['id'] and 'estimate' in c.get('original_values', {})]
        return sorted(found, key=lambda step: step[0])

    @staticmethod
    def value(steps, now, end):
        """What held at an instant: what the first step from there on says was before it."""
        at = bisect.bisect_left([step[0] for step in steps], end)
        return steps[at][1] if at < len(steps) else now

    def row(self, day, ids=None):
        """Sums of points and counts at the end of a day, in the order of STATES."""
        end = midnight(day + datetime.timedelta(days=1))
        points, counts = [0.0] * len(STATES), [0] * len(STATES)
        for story in self.stories:
            state = self.value(self.steps[story['id']], story['current_state'], end)
            if (ids is not None and story['id'] not in ids) or self.made(story) >= end or state is None:
                continue
            points[STATES.index(state)] += self.value(self.points[story['id']], story.get('estimate', 0), end)
            counts[STATES.index(state)] += 1
        return [day.isoformat(), *points, *counts]

    def cycle_time(self, story, now):
        """Seconds in the states of work, or None when it was in none."""
        found = self.transitions[story['id']]
        ends = [read_time(t['occurred_at']) for t in found[1:]] + [now]
        times = [max(0, end - read_time(t['occurred_at'])) for t, end in zip(found, ends) if t['state'] in WORK]
        return sum(times) if times else None

    def accepted(self, start, finish):
        return [s for s in self.stories if s['current_state'] == 'accepted' and 'accepted_at' in s
                and start <= read_time(s['accepted_at']) < finish]


def midnight(day):
    return datetime.datetime.combine(day, datetime.time(), zoneinfo.ZoneInfo(ZONE)).timestamp()


def day_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(ZONE)).date()


def median(times):
    times = sorted(round(t * 1000) for t in times)
    return (times[(len(times) - 1) // 2] + times[len(times) // 2]) // 2 if times else None


def same_row(got, want):
    """Sums of floats may differ by the order of adding."""
    return got[0] == want[0] and got[1:] == pytest.approx(want[1:], abs=1e-9)


# ---- tests ----

@pytest.fixture(params=range(3))
def served(request, tmp_path, serve):
    done = storyfs('import', History(request.param, 60, 200).dump(tmp_path / 'dump'), tmp_path / 'a.db')
    assert done.returncode == 0, done.stderr
    return serve(tmp_path / 'a.db')


def check_rows(rows, past, ids=None):
    for row in rows:
        want = past.row(datetime.date.fromisoformat(row[0]), ids)
        assert same_row(row, want), (row, want)


def test_days_of_a_project(served):
    past = Past(served)
    assert any(past.transitions.values()) and not all(past.transitions.values()), 'a history of both sorts'
    path = f'/projects/{PROJECT}/history/days?end_date={day_of(read_time(text_of(210 * DAY)))}'
    every = get(served, path)['data']
    assert every[0][0] == min(day_of(past.made(s)) for s in past.stories).isoformat()
    assert len(every) >= 200
    check_rows(every, past)
    for first in range(1, len(every), 23):
        assert get(served, f'{path}&start_date={every[first][0]}')['data'] == every[first:]


def test_days_of_iterations(served):
    past = Past(served)
    for number in range(1, 30, 4):
        ids = {s['id'] for s in get(served, f'/projects/{PROJECT}/iterations/{number}?fields=stories(id)')['stories']}
        rows = get(served, f'/projects/{PROJECT}/history/iterations/{number}/days')['data']
        assert len(rows) == 7
        check_rows(rows, past, ids)


def check_within(rows, stories, key):
    """What happened on each day of an iteration, by type."""
    for row in rows:
        points, counts = [0.0] * len(TYPES), [0] * len(TYPES)
        for story in stories:
            if key in story and day_of(read_time(story[key])).isoformat() == row[0]:
                points[TYPES.index(story['story_type'])] += story.get('estimate', 0)
                counts[TYPES.index(story['story_type'])] += 1
        assert same_row(row, [row[0], *points, *counts]), (key, row, points, counts)


def check_analytics(found, past, start, finish, between):
    """between: the instants around the asking; what is in a state of work to this day lasts until now."""
    accepted = past.accepted(start, finish)
    times = [[t for t in (past.cycle_time(s, now) for s in accepted) if t is not None] for now in between]
    rejected = [s for s in accepted if any(t['state'] == 'rejected' for t in past.transitions[s['id']])]
    assert found['stories_accepted'] == len(accepted)
    assert found['bugs_created'] == sum(s['story_type'] == 'bug' and start <= read_time(s['created_at']) < finish
                                        for s in past.stories)
    assert found['rejection_rate'] == pytest.approx(100 * len(rejected) / len(accepted) if accepted else 0)
    assert ('cycle_time' in found) == bool(times[0])
    if times[0]:
        assert median(times[0]) <= found['cycle_time'] <= median(times[1])


def test_analytics_and_days_within_iterations(served):
    past = Past(served)
    path = f'/projects/{PROJECT}/iterations'
    begin = time.time() - 1
    found = get_all(served, f'{path}?scope=done_current&fields=number,start,finish,analytics,accepted,created', 50)
    end = time.time() + 1
    assert sum(i['analytics']['stories_accepted'] for i in found) > 0
    for i in found:
        start, finish = read_time(i['start']), read_time(i['finish'])
        check_analytics(i['analytics'], past, start, finish, (begin, end))
        check_within(i['accepted']['data'], past.stories, 'accepted_at')
        check_within(i['created']['data'], past.stories, 'created_at')
    for i in found[::9]:
        one = get(served, f'{path}/{i["number"]}/analytics')
        assert {**one, 'cycle_time': 0} == {**i['analytics'], 'cycle_time': 0}
