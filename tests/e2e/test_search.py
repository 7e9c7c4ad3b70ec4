# SPDX-License-Identifier: GPL-2.0-or-later
"""V5's search language over HTTP: every keyword, how terms are joined, and refusals that point at the word."""
import datetime
import json
import re
import sqlite3

import pytest

from conftest import ROOT, STAR, Server, quote, storyfs, write_dump

P = '/projects/99'
DAY = datetime.timedelta(days=1)
NOON = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) + DAY / 2


def days_ago(n):
    return (NOON - n * DAY).strftime('%Y-%m-%dT%H:%M:%SZ')


def american(n):
    day = NOON - n * DAY
    return f'{day.month}/{day.day}/{day.year}'


def iso(n):
    return (NOON - n * DAY).strftime('%Y-%m-%d')


def story(number, name, ago, **more):
    return {'kind': 'story', 'id': number, 'project_id': 99, 'name': name, 'story_type': 'feature',
            'current_state': 'unstarted', 'requested_by_id': 100, 'owner_ids': [], 'labels': [],
            'url': f'http://localhost/story/show/{number}', 'created_at': days_ago(ago),
            'updated_at': days_ago(ago), **more}


LABELS = [{'id': 2008, 'project_id': 99, 'name': 'rnd'}, {'id': 2009, 'project_id': 99, 'name': 'hot tea'},
          {'id': 2010, 'project_id': 99, 'name': 'kitchen'}]
# In the project's order. `plan` is in the Icebox, `boil` is what most rows look for.
STORIES = [
    story(1, 'old news', 900, current_state='accepted', estimate=3, accepted_at=days_ago(800)),
    story(2, 'wash the cups', 20, current_state='accepted', estimate=1, story_type='chore',
          accepted_at=days_ago(0)),
    story(3, 'boil the Über-water', 10, current_state='started', estimate=2, owner_ids=[101], owned_by_id=101,
          labels=LABELS[1:], description='A catalog of kettles, in snake_case', requested_by_id=101,
          external_id='X-77', integration_id=7, updated_at=days_ago(2)),
    story(4, 'leak', 5, story_type='bug', owner_ids=[100, 101], owned_by_id=100, labels=LABELS[:1]),
    story(5, 'beta', 4, story_type='release', deadline=days_ago(-10)),
    story(6, 'plan (for later)', 3, current_state='unscheduled', story_priority='p1', owner_ids=[101], owned_by_id=101),
]
KINDS = {
    'project': [{**STAR['project'][0], 'start_date': '2020-01-06'}],
    'person': STAR['person'] + [
        {'kind': 'person', 'id': 102, 'name': 'Wedge Advaderson', 'initials': 'WA', 'username': 'wedge',
         'email': 'wedge@rebels.org'}],
    'label': [{'kind': 'label', 'created_at': days_ago(99), 'updated_at': days_ago(99), **label}
              for label in LABELS],
    'story': STORIES,
    'epic': [{'kind': 'epic', 'id': 50, 'project_id': 99, 'name': 'The Tea Room', 'label': LABELS[2],
              'description': 'cups', 'created_at': days_ago(30), 'updated_at': days_ago(30)}],
    'review_type': [{'kind': 'review_type', 'id': 8, 'project_id': 99, 'name': 'Test (QA)', 'hidden': False,
                     'created_at': days_ago(99), 'updated_at': days_ago(99)}],
    'integration': [{'kind': 'integration', 'id': 7, 'project_id': 99, 'type': 'jira', 'name': 'Our Jira',
                     'active': True, 'created_at': days_ago(99), 'updated_at': days_ago(99)}],
}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    base = tmp_path_factory.mktemp('search')
    archive = base / 'a.db'
    done = storyfs('import', write_dump(base / 'dump', KINDS), archive, '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    server = Server(archive, log=base / 'requests.log')
    server.token = storyfs('user', 'token', archive).stdout.strip()
    for path, body in (('/stories/3/tasks', {'description': 'fetch lemons'}),
                       ('/stories/3/comments', {'text': 'milk, or honey?'}),
                       ('/stories/4/blockers', {'description': 'wait for #6'}),
                       ('/stories/3/followers', {'person_id': 100})):
        assert server.request('POST', P + path, body).status == 200, path
    review = {'review_type_id': 8, 'reviewer_id': 101, 'status': 'in_review'}
    assert server.request('POST', P + '/stories/3/reviews', review).status == 200
    upload = server.request('POST', P + '/uploads', upload_of('teapot.txt', b'short and stout'), headers={
        'Content-Type': 'multipart/form-data; boundary=x'})
    assert server.request('POST', P + '/stories/5/comments', {
        'file_attachment_ids': [upload.json()['id']]}).status == 200
    yield server
    assert server.stop() == 0, server.errors


def upload_of(name, data):
    return (f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            'Content-Type: text/plain\r\n\r\n').encode() + data + b'\r\n--x--\r\n'


def search(server, query, path=P):
    answer = server.request('GET', f'{path}/search?query={quote(query)}')
    assert answer.status == 200, answer.body
    return answer.json()


def found(server, query):
    """The ids of stories as they come, and of epics."""
    result = search(server, query)
    assert result['query'] == query
    assert result['stories']['total_hits'] == len(result['stories']['stories'])
    return ([s['id'] for s in result['stories']['stories']], [e['id'] for e in result['epics']['epics']])


# Searches go by progress: accepted in this iteration, in work, planned, Icebox; old ones are left out.
FINDS = [
    # free text, and where it is looked for
    ('leak', [4]), ('LEAK', [4]), ('lea', []), ('lea*', [4]), ('l?ak', [4]), ('über', [3]), ('ÜBER', [3]),
    ('"the über-water"', [3]), ('kettles', [3]), ('cat', []), ('snake', [3]), ('case', [3]), ('lemons', [3]),
    ('honey', [3]), ('"hot tea"', [3]), ('Darth', [3, 4, 6]), ('teapot', [5]), ('cups', [2], [50]),
    ('/^b[aeo]/', [3, 5]), ('/LEMON|honey/', [3]), ('"plan (for later)"', [6]), ('*', [2, 3, 4, 5, 6], [50]),
    # keywords
    ('name:cups', [2]), ('name:kettles', []), ('name:"boil the"', [3]), ('name:/^beta$/', [5]), ('name:b*', [3, 5]),
    ('label:rnd', [4]), ('labels:"hot tea"', [3]), ('label:hot', []), ('label:hot*', [3]), ('label:rnd,kitchen', [3, 4], [50]),
    ('label:""', [2, 5, 6]), ('epic:"the tea room"', [3], [50]), ('epics:kitchen', [3], [50]), ('epic:tea', []),
    ('epic:""', [2, 4, 5, 6]),
    ('type:bug', [4]), ('story_type:bug,chore', [2, 4]), ('type:release', [5]), ('type:FEATURE', [3, 6]),
    ('state:started', [3]), ('current_state:accepted', [2]), ('state:unstarted,unscheduled', [4, 5, 6]),
    ('estimate:2', [3]), ('estimate:1,2', [2, 3]), ('estimate:-1', [4, 5, 6]),
    ('review:"Test (QA)"', [3]), ('review:"Test (QA)"&in_review', [3]), ('review:"Test (QA)"&pass', []),
    ('review:code', []), ('review_status:in_review', [3]), ('review_status:pass,revise', []), ('reviewer:vader', [3]),
    ('requester:101', [3]), ('requested_by:palpatine', [2, 4, 5, 6]),
    ('owner:DV', [3, 4, 6]), ('owned_by:"darth vader"', [3, 4, 6]), ('owner:emperor', [4]), ('owner:dv,ep', [3, 4, 6]),
    ('owner:""', [2, 5]), ('owner:none', [2, 5]), ('owner:nobody', []),
    ('mywork:vader', [3, 4]), ('mywork:EP', [4]),
    ('is:blocked', [4]), ('is:blocking', [6]), ('is:following', [2, 3, 4, 5, 6]),
    ('has:blocker', [4]), ('has:blockers', [4]), ('has:blocked', [4]), ('has:blocking', [6]), ('has:label', [3, 4], [50]),
    ('has:owner', [3, 4, 6]), ('has:attachment', [5]), ('has:external_id', [3]), ('has:epic', [3]),
    ('no:label', [2, 5, 6]), ('no:owner', [2, 5]), ('no:blockers', [2, 3, 5, 6]), ('no:external_id', [2, 4, 5, 6]),
    ('id:4', [4]), ('id:3,4,999', [3, 4]), ('external_id:X-77', [3]), ('external_id:x-7*', [3]), ('integration:jira', [3]),
    ('integration:7', [3]), ('integration:zendesk', []),
    (f'created:{american(5)}', [4]), (f'created_on:{iso(5)}', [4]), (f'created:{american(10)}..{american(5)}', [3, 4]),
    ('created:-5d', [4, 5, 6]), ('created:-1w', [4, 5, 6]), ('created:-1w..-4d', [4, 5]), ('created:today', []),
    (f'created_since:{iso(5)}', [4, 5, 6]), (f'created_after:{american(4)}', [5, 6]), (f'created_before:{american(5)}', [2, 3], [50]),
    (f'updated:{iso(20)}', [2]), (f'updated_on:{iso(5)}', []), ('updated_since:today', [3, 4, 5, 6]),
    ('updated_after:yesterday', [3, 4, 5, 6]), ('modified_since:today', [3, 4, 5, 6]), (f'updated_before:{iso(19)}', [2], [50]),
    ('accepted:today', [2]), (f'accepted_on:{iso(0)}', [2]), ('accepted_since:yesterday', [2]), ('accepted_after:today', [2]),
    ('accepted_before:today', []), ('accepted_before:today includedone:true', [1]), ('includedone:false estimate:3', []),
    ('includedone:true estimate:3', [1]),
    # how terms are joined
    ('boil kettles', [3]), ('boil AND kettles', [3]), ('boil leak', []), ('boil OR leak', [3, 4]), ('boil or leak', []),
    ('boil OR leak type:bug', [4]), ('boil OR (leak type:bug)', [3, 4]), ('type:bug leak OR boil', [3, 4]),
    ('-leak type:bug', []), ('-boil -(leak OR plan)', [2, 5], [50]), ('-label:rnd has:label', [3], [50]),
    ('(((boil)))', [3]), ('label:rnd,"hot tea" -leak', [3]), ('-"plan (for later)" no:epic', [2, 4, 5]),
    ('NAME:leak', [4]), ('http://localhost', []), ('name:cups,leak', []),
]


@pytest.mark.parametrize('query, stories, epics', [(*row, [])[:3] for row in FINDS], ids=[r[0] for r in FINDS])
def test_what_is_found(server, query, stories, epics):
    assert found(server, query) == (stories, epics)


def test_each_keyword_has_a_row():
    table = (ROOT / 'src/server/search_keywords.def').read_text()
    rows = ' '.join(row[0] for row in FINDS)
    words = re.findall(r'^KEYWORD\("(\w+)"', table, re.M)
    assert len(words) > 30 and [w for w in words if not re.search(rf'\b{w}:', rows)] == []


@pytest.mark.parametrize('query, at, what, fix', [
    ('a lable:x', 3, "'lable' is not a keyword", "Did you mean 'label'?"),
    ('größe state:acepted', 13, "'acepted' is not a value of 'state'", "Did you mean 'accepted'?"),
    ('label: x', 7, 'a value is missing', 'No blank'),
    ('boil "the', 6, 'a double quote is not closed', 'Put a double quote'),
    ('boil (leak', 6, 'a parenthesis is not closed', "Put a ')'"),
    ('boil) leak', 5, 'a parenthesis is closed that was not opened', "Put a '('"),
    ('boil OR', 8, 'a word is missing', 'AND and OR'),
    ('is:label', 4, "'label' is not a value of 'is'", 'Its values are: blocked, blocking, following'),
    ('id:3,x', 6, "'x' is not an id", "Behind 'id:'"),
    ('boil /a(/', 9, 'the regular expression is broken', 'double quotes'),
    ('-created:today', 1, 'this keyword cannot be negated', 'Take the minus away'),
    ('review:code&pas', 13, "'pas' is not a value of 'review'", "Did you mean 'pass'?"),
])
def test_a_refusal_points_at_the_word(server, query, at, what, fix):
    for path in (f'{P}/search?query=', f'{P}/stories?filter=', f'{P}/epics?filter='):
        answer = server.request('GET', path + quote(query))
        error = answer.json()
        assert (answer.status, error['code']) == (400, 'invalid_parameter')
        assert error['general_problem'].startswith(f'The search cannot be understood at character {at}: {what}')
        assert fix in error['possible_fix']


def test_a_date_that_is_none_is_refused_in_v5s_words(server):
    for query in ('created:-5days..now', 'created:1/31/15', 'updated_since:2015-02-30', 'accepted:soon'):
        error = server.request('GET', f'{P}/search?query={query}').json()
        assert error['general_problem'] == 'The date you requested could not be parsed. See FAQ for valid formats.'
        value = query.split(':')[1]
        assert f"'{value}' is not a date at character {query.index(':') + 2}" in error['possible_fix']


@pytest.mark.parametrize('query, ok', [
    ('a' * 16384, True), ('a' * 16385, False), ('a ' * 200, True), ('a ' * 201, False),
    ('id:' + ','.join(['1'] * 500), True), ('id:' + ','.join(['1'] * 501), False),
    ('(' * 32 + 'a' + ')' * 32, True), ('(' * 33 + 'a' + ')' * 33, False)], ids=range(8))
def test_limits(server, query, ok):
    answer = server.request('GET', f'{P}/search?query={quote(query)}')
    assert answer.status == (200 if ok else 400)
    assert ok or answer.json()['possible_fix'] == 'Search for less at a time.'


@pytest.mark.parametrize('query', ['', '%20', '%0a%09', None], ids=str)
def test_nothing_is_no_search(server, query):
    answer = server.request('GET', f'{P}/search' + ('' if query is None else f'?query={query}'))
    assert answer.status == 400
    assert server.request('GET', f'{P}/stories?filter=%20').headers['X-Tracker-Pagination-Total'] == '6'


def test_a_search_counts_what_it_leaves_out(server):
    stories = search(server, 'state:accepted')['stories']
    assert (stories['total_hits'], stories['total_hits_with_done']) == (1, 2)
    assert (stories['total_points'], stories['total_points_completed']) == (1, 1)
    stories = search(server, 'estimate:1,2,3 includedone:true')['stories']
    assert [s['id'] for s in stories['stories']] == [2, 3, 1]
    assert (stories['total_points'], stories['total_points_completed']) == (6, 4)


def test_a_filter_pages_in_the_projects_order(server):
    answer = server.request('GET', f'{P}/stories?filter={quote("estimate:1,2,3 includedone:true")}&fields=id')
    assert [s['id'] for s in answer.json()] == [1, 2, 3]
    answer = server.request(
        'GET', f'{P}/stories?filter={quote("-leak")}&limit=2&offset=1&date_format=millis&envelope=true')
    assert answer.headers['X-Tracker-Pagination-Total'] == '4'
    envelope = answer.json()
    assert envelope['pagination'] == {'total': 4, 'offset': 1, 'limit': 2, 'returned': 2}
    assert [s['id'] for s in envelope['data']] == [3, 5]
    assert isinstance(envelope['data'][0]['created_at'], int)
    answer = server.request('GET', f'{P}/stories?filter=nothing&envelope=true')
    assert answer.json()['pagination']['total'] is None
    assert answer.headers['X-Tracker-Pagination-Total'] == '0'
    for other in ('with_state=started', 'with_label=rnd', 'after_story_id=3', 'created_after=2020-01-01'):
        error = server.request('GET', f'{P}/stories?filter=leak&{other}')
        assert (error.status, other.split('=')[0] in error.json()['general_problem']) == (400, True)
    assert [e['id'] for e in server.request('GET', f'{P}/epics?filter=cups').json()] == [50]
    assert server.request('GET', f'{P}/epics?filter=leak').json() == []


def test_a_search_is_saved_as_it_is_run(server):
    made = server.request('POST', f'{P}/my/searches', {'name': 'mine', 'query': 'mywork:vader -leak'}).json()
    assert (made['kind'], made['name'], made['project_id']) == ('saved_search', 'mine', 99)
    assert server.request('GET', f'{P}/my/searches').json() == [made]
    assert found(server, made['query']) == ([3], [])
    error = server.request('POST', f'{P}/my/searches', {'name': 'bad', 'query': 'state:gone'})
    assert (error.status, error.json()['general_problem'].startswith(
        'The search cannot be understood at character 7')) == (400, True)
    assert server.request('DELETE', f'{P}/my/searches/{made["id"]}').status == 204
    assert server.request('GET', f'{P}/my/searches').json() == []


def test_a_workspace_is_searched_project_by_project(server):
    other = server.request('POST', '/projects', {'name': 'Endor'}).json()['id']
    ids = [server.request('POST', f'/projects/{other}/stories', {'name': name, 'current_state': 'started',
                                                                 'estimate': 1}).json()['id']
           for name in ('leak in the bunker', 'trees')]
    workspace = server.request('POST', '/my/workspaces', {'name': 'all', 'project_ids': [99, other]}).json()['id']
    result = search(server, 'leak', f'/workspaces/{workspace}')
    # Each project's by its progress, though the second one's is further.
    assert [s['id'] for s in result['stories']['stories']] == [4, ids[0]]
    assert result['stories']['total_hits'] == 2
    assert server.request('GET', f'/workspaces/{workspace}/search').status == 400


def test_more_than_500_are_found(server):
    other = server.request('POST', '/projects', {'name': 'Hoth'}).json()['id']
    for i in range(501):
        assert server.request('POST', f'/projects/{other}/stories', {'name': f'snow {i}'}).status == 200
    assert len(search(server, 'snow', f'/projects/{other}')['stories']['stories']) == 501


# ---- the parameters of a list (reference 2.5) ----

def millis(n):
    return int((NOON - n * DAY).timestamp() * 1000)


LISTED = [
    ('with_label=rnd', [4]), ('with_label=Hot%20Tea', [3]), ('with_label=hot', []), ('with_state=started', [3]),
    ('with_state=ACCEPTED', [1, 2]), ('with_story_type=chore', [2]), ('with_story_type=release', [5]),
    ('with_story_priority=p1', [6]), ('after_story_id=4', [5, 6]), ('before_story_id=3', [1, 2]),
    ('after_story_id=2&before_story_id=5', [3, 4]), (f'accepted_before={days_ago(1)}', [1]),
    (f'accepted_after={days_ago(1)}', [2]), (f'accepted_after={days_ago(0)}', []), (f'created_before={days_ago(10)}', [1, 2]),
    (f'created_after={days_ago(4)}', [6]), (f'created_after={millis(10)}', [4, 5, 6]), (f'created_after={iso(4)}', [5, 6]),
    (f'updated_before={days_ago(19)}', [1, 2]), (f'updated_after={days_ago(1)}', [3, 4, 5, 6]),
    (f'deadline_before={days_ago(-11)}', [5]), (f'deadline_after={days_ago(-11)}', []), (f'deadline_after={days_ago(-9)}', [5]),
    ('limit=2', [1, 2]), ('limit=2&offset=3', [4, 5]), ('offset=5', [6]), ('offset=6', []), ('limit=0', []),
    ('date_format=millis', [1, 2, 3, 4, 5, 6]), ('fields=id', [1, 2, 3, 4, 5, 6]), ('envelope=false', [1, 2, 3, 4, 5, 6]),
    ('filter=leak', [4]), ('with_state=unstarted&with_story_type=bug&with_label=rnd', [4]),
]


@pytest.mark.parametrize('parameters, ids', LISTED, ids=[row[0] for row in LISTED])
def test_each_parameter_narrows_the_list(server, parameters, ids):
    answer = server.request('GET', f'{P}/stories?{parameters}')
    assert answer.status == 200, answer.body
    assert [s['id'] for s in answer.json()] == ids


def test_each_parameter_of_the_list_has_a_row():
    routes = json.loads(storyfs('schema', '--json').stdout)['routes']
    taken = next(r for r in routes if (r['method'], r['path']) == ('GET', '/projects/{project}/stories'))['parameters']
    tested = {name for row in LISTED for name in re.findall(r'(\w+)=', row[0])}
    assert {p['key'] for p in taken} <= tested and len(tested) >= 20


@pytest.mark.parametrize('parameters, problem', [
    ('with_state=gone', "'with_state' must be one of: accepted, "), ('with_story_type=epic', "'with_story_type' must be one of: "),
    ('after_story_id=x', "'after_story_id' must be an integer value"), ('limit=-1', "'limit' must be an integer value of 0 or greater"),
    ('offset=-1', "'offset' must be an integer value of 0 or greater"), ('limit=ten', "'limit' must be an integer value"),
    ('created_after=yesterday', "'created_after' must be a time value"), ('with_owner=1', 'this endpoint cannot accept the parameter: with_owner'),
])
def test_a_parameter_that_is_wrong_is_named(server, parameters, problem):
    answer = server.request('GET', f'{P}/stories?{parameters}')
    assert (answer.status, answer.json()['code']) == (400, 'invalid_parameter')
    assert answer.json()['general_problem'].startswith(problem)


def test_a_place_is_one_of_the_projects(server):
    assert server.request('GET', f'{P}/stories?after_story_id=999').status == 404


def test_a_place_among_ties(tmp_path, serve):
    """What another program wrote may have ranks that are equal: the id counts then, as in the list itself."""
    archive = tmp_path / 'a.db'
    assert storyfs('import', write_dump(tmp_path / 'dump', KINDS), archive, '--owner', 'palpatine').returncode == 0
    with sqlite3.connect(archive) as db:
        db.execute('UPDATE story SET rank = (SELECT rank FROM story WHERE id = 3) WHERE id IN (2, 4, 5)')
    server = serve(archive)
    for parameters, want in (('after_story_id=3', [4, 5, 6]), ('before_story_id=4', [1, 2, 3]),
                             ('after_story_id=2&before_story_id=5', [3, 4])):
        answer = server.request('GET', f'{P}/stories?{parameters}')
        assert [s['id'] for s in answer.json()] == want, parameters
        assert answer.headers['X-Tracker-Pagination-Total'] == str(len(want))
