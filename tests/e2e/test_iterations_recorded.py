# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the iterations that were recorded come out of the stories that were recorded with them?

The stories of that day, moved by whole weeks of the project's zone so that the day's iteration is the current one, must
make the same iterations: how many, which stories, how many points, and when.
"""
import datetime
import json
import zoneinfo

import pytest

from conftest import storyfs, write_dump
from v5_data import DATA, NEEDS_DATA, exchanges

PROJECT = 1027488
ZONE = zoneinfo.ZoneInfo('America/Los_Angeles')
WEEK = datetime.timedelta(weeks=1)
SAME = ('number', 'project_id', 'team_strength', 'velocity', 'points', 'accepted_points', 'effective_points')
NOT_IN_WORK = ('accepted', 'unstarted', 'unscheduled')
# The day of the recordings, there, and the exchange that lists all stories; of that day, or the nearest to it.
DAYS = {'2014-03-24': '0403', '2015-06-24': '0278', '2016-02-13': '0186', '2017-04-23': '0005',
        '2017-05-03': '0005', '2019-07-09': None}  # None: as the dump has them


def local(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).astimezone(ZONE)


def monday(at):
    return (at - datetime.timedelta(days=at.weekday())).date()


class Shift:
    """Whole weeks, by the clocks of the zone: midnights stay midnights."""

    def __init__(self, day):
        then = datetime.datetime.fromisoformat(f'{day}T12:00:00').replace(tzinfo=ZONE)
        self.by = monday(datetime.datetime.now(ZONE)) - monday(then)
        assert self.by % WEEK == datetime.timedelta(0)

    def __call__(self, text):
        moved = (local(text).replace(tzinfo=None) + self.by).replace(tzinfo=ZONE)
        return moved.astimezone(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def day_of(x):
    return x.recorded_at.astimezone(ZONE).date().isoformat()


def recorded_on(day):
    return [x for x in exchanges() if x.path == f'/projects/{PROJECT}/iterations' and day_of(x) == day]


def stories_of(day, shift):
    """All stories in order. When their list is of another day, those of the iterations as they stand there come first,
    and no others are in work."""
    dumped = DATA / 'dump' / f'{PROJECT}_my-sample-project' / 'story.json'
    listed = next((x for x in exchanges() if x.number == DAYS[day]), None)
    stories = {s['id']: s for s in (listed.body if listed else json.loads(dumped.read_text(encoding='utf-8')))}
    if not listed or day_of(listed) != day:
        seen = {s['id']: s for x in recorded_on(day) for iteration in x.body for s in iteration['stories']}
        rest = {i: s for i, s in stories.items() if i not in seen and s['current_state'] in NOT_IN_WORK}
        stories = {**seen, **rest}
    return [{**s, 'accepted_at': shift(s['accepted_at'])} if 'accepted_at' in s else s for s in stories.values()]


def make(day, shift, tmp_path):
    path = DATA / 'dump' / f'{PROJECT}_my-sample-project' / 'project.json'
    project, = json.loads(path.read_text(encoding='utf-8'))
    project = {k: project[k] for k in ('id', 'kind', 'name', 'version', 'time_zone', 'point_scale', 'start_time',
                                       'iteration_length', 'week_start_day', 'velocity_averaged_over',
                                       'initial_velocity', 'automatic_planning')}
    project['start_time'] = shift(project['start_time'])
    folder = write_dump(tmp_path / 'd', {'project': [project], 'story': stories_of(day, shift)})
    done = storyfs('import', folder, DATA / 'dump' / 'people', tmp_path / 'a.db')
    assert done.returncode == 0, done.stderr
    return tmp_path / 'a.db'


@NEEDS_DATA
@pytest.mark.parametrize('day', DAYS)
def test_recorded_iterations_come_out_of_the_recorded_stories(day, serve, tmp_path):
    shift = Shift(day)
    server = serve(make(day, shift, tmp_path))
    asked = recorded_on(day)
    assert asked
    for x in asked:
        answer = server.request('GET', x.target)
        assert answer.status == 200
        for name in ('Total', 'Returned', 'Offset'):
            name = f'X-Tracker-Pagination-{name}'
            assert answer.headers.get(name) == x.headers.get(name), (x.number, name)
        ours = answer.json()
        assert len(ours) == len(x.body), x.number
        for mine, theirs in zip(ours, x.body):
            where = x.number, theirs['number']
            for key in SAME:
                if key in theirs:
                    assert mine[key] == theirs[key], (where, key)
            assert [s['id'] for s in mine['stories']] == [s['id'] for s in theirs['stories']], where
            assert mine['start'] == shift(theirs['start']), where
            assert mine['finish'] == shift(theirs['finish']), where


@NEEDS_DATA
def test_the_backlog_of_3_may_2017(serve, tmp_path):
    """172 iterations, 168 of them done: 9, 10, 11 and 10 points; without what is carried over they were 173."""
    server = serve(make('2017-05-03', Shift('2017-05-03'), tmp_path))
    planned = server.request(
        'GET', f'/projects/{PROJECT}/iterations?scope=current_backlog&fields=number,points,velocity').json()
    assert [i['points'] for i in planned] == [9, 10, 11, 10]
    assert [i['number'] for i in planned] == [169, 170, 171, 172]
    assert planned[0]['velocity'] == 10
