# SPDX-License-Identifier: GPL-2.0-or-later
"""Iterations begin at midnight of the project's zone, over years and changes of the clocks: as Python's zoneinfo, which
knows nothing of this program, reckons them.
"""
import datetime
import zoneinfo

import pytest

from conftest import storyfs, write_dump
from test_replay import get, get_all

ZONES = ('America/Los_Angeles', 'Europe/Berlin', 'Australia/Sydney', 'America/Santiago', 'America/Sao_Paulo',
         'America/Havana', 'Pacific/Apia', 'Australia/Lord_Howe', 'Africa/Casablanca', 'Asia/Kolkata', 'UTC')
CHANGING = {'America/Los_Angeles': {167, 168, 169}, 'Europe/Berlin': {167, 168, 169},
            'Australia/Sydney': {167, 168, 169}, 'America/Santiago': {167, 168, 169},
            'Australia/Lord_Howe': {167.5, 168, 168.5}, 'Asia/Kolkata': {168}, 'UTC': {168}}
FIRST = datetime.date(2010, 1, 4)  # a Monday
DAYS = ('Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday')


def midnight(day, zone):
    """The first instant of a day, in UTC."""
    at = datetime.datetime.combine(day, datetime.time(), zoneinfo.ZoneInfo(zone))
    return at.astimezone(datetime.timezone.utc)


def read_time(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


@pytest.fixture(scope='module')
def projects(tmp_path_factory):
    """A project for each zone and length of iterations, without any story."""
    folder = tmp_path_factory.mktemp('zones')
    made = {(zone, weeks): {
        'kind': 'project', 'id': 1000 + 10 * i + weeks, 'name': f'{zone} {weeks}', 'iteration_length': weeks,
        'version': 1, 'start_date': FIRST.isoformat(), 'week_start_day': 'Monday',
        'time_zone': {'kind': 'time_zone', 'olson_name': zone}} for i, zone in enumerate(ZONES) for weeks in range(1, 5)}
    done = storyfs('import', write_dump(folder / 'd', {'project': list(made.values())}), folder / 'a.db')
    assert done.returncode == 0, done.stderr
    return folder / 'a.db', {key: p['id'] for key, p in made.items()}


def check(iterations, first, weeks, zone):
    for n, i in enumerate(iterations):
        assert i['number'] == n + 1
        begin = first + datetime.timedelta(weeks=weeks * n)
        assert read_time(i['start']) == midnight(begin, zone), (zone, begin)
        assert read_time(i['finish']) == midnight(begin + datetime.timedelta(weeks=weeks), zone), (zone, begin)


def hours(iteration):
    return (read_time(iteration['finish']) - read_time(iteration['start'])).total_seconds() / 3600


@pytest.mark.parametrize('zone', ZONES)
def test_iterations_begin_at_midnight_of_their_zone(projects, serve, zone):
    archive, ids = projects
    server = serve(archive)
    now = datetime.datetime.now(datetime.timezone.utc)
    for weeks in range(1, 5):
        found = get_all(server, f'/projects/{ids[zone, weeks]}/iterations?fields=start,finish', 500)
        check(found, FIRST, weeks, zone)
        assert read_time(found[-1]['start']) <= now < read_time(found[-1]['finish'])
        if weeks == 1:
            assert CHANGING.get(zone, {168}) <= {hours(i) for i in found}
            assert zone not in CHANGING or CHANGING[zone] == {hours(i) for i in found}


def test_weeks_begin_on_the_day_that_the_project_says(projects, serve):
    archive, ids = projects
    server = serve(archive)
    for n, day in enumerate(DAYS):
        path = f'/projects/{ids["Australia/Sydney", 2]}'
        first = FIRST + datetime.timedelta(days=(n - 1) % 7)
        for body in ({'start_date': None}, {'week_start_day': day, 'start_date': first.isoformat()}):
            answer = server.request('PUT', path, body)
            assert answer.status == 200, answer.body
        check(get_all(server, f'{path}/iterations?fields=start,finish', 500), first, 2, 'Australia/Sydney')
        assert get(server, path)['start_time'] == midnight(first, 'Australia/Sydney').strftime('%Y-%m-%dT%H:%M:%SZ')
