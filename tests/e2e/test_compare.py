# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the comparison with the recorded service see what is wrong? Each recorded answer is compared with itself, and then
with itself spoilt in one place; the latter must not agree.
"""
import copy
import json


from v5_compare import FREE, NULLABLE, PAGINATION, compare
from v5_data import NEEDS_DATA, exchanges
from test_recorded import kind_of


class Given:
    """An answer as the server's, made from a recorded one."""

    def __init__(self, x, body, headers=None, status=None):
        self.status = status or x.status
        self.headers = x.headers if headers is None else headers
        self.body = b'' if body is None else json.dumps(body).encode()


def resources(value, path=()):
    """(path, object, is it free?) of each object in a body."""
    if isinstance(value, dict):
        yield path, value
        for key, v in value.items():
            if key not in FREE:
                yield from resources(v, (*path, key))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from resources(v, (*path, i))


def at(body, path):
    for step in path:
        body = body[step]
    return body


def spoil(body, path, how):
    """A copy that differs in the object at the path."""
    other = copy.deepcopy(body)
    how(at(other, path))
    return other


def first_object(x):
    """The first resource that says its kind: the place that is spoilt."""
    return next(((path, o) for path, o in resources(x.body) if 'kind' in o), (None, None))


def put(key, value):
    return lambda o: o.__setitem__(key, value)


def spoilt_bodies(x):
    path, o = first_object(x)
    if o is None:
        return
    kind = o['kind']
    yield 'another kind', spoil(x.body, path, put('kind', 'other'))
    yield 'a key that V5 never sent', spoil(x.body, path, put('zzz', 1))
    for key, value in o.items():
        if key in FREE:
            continue
        if key not in NULLABLE.get(kind, ()) and key not in ('id', 'guid', 'number'):
            yield f'no {key}', spoil(x.body, path, lambda o, key=key: o.pop(key))
        yield f'null for {key}', spoil(x.body, path, put(key, None))
        other = [] if isinstance(value, str) else 'x'
        yield f'another type of {key}', spoil(x.body, path, put(key, other))
        if isinstance(value, int) and not isinstance(value, bool) and key not in ('id', 'number'):
            yield f'{key} with a fraction', spoil(x.body, path, put(key, float(value)))
        if isinstance(value, list) and value:
            yield f'no {key} in the list', spoil(x.body, path, put(key, []))
    if kind == 'error':
        for key in o:
            yield f'other words in {key}', spoil(x.body, path, put(key, 'x'))


def spoilt_headers(x):
    def without(name):
        return {k: v for k, v in x.headers.items() if k != name}
    for name in ('Content-Type', 'ETag', 'X-Tracker-Project-Version', 'X-Tracker-Client-Pinger-Interval',
                 'Access-Control-Allow-Origin', *PAGINATION):
        if name in x.headers:
            yield f'without {name}', without(name)
    yield 'Cache-Control', {**x.headers, 'Cache-Control': 'public'}
    if 'X-Tracker-Project-Version' not in x.headers:
        yield 'a version', {**x.headers, 'X-Tracker-Project-Version': '1'}
    if 'X-Tracker-Pagination-Returned' in x.headers:
        n = int(x.headers['X-Tracker-Pagination-Returned'])
        yield 'a wrong count', {**x.headers, 'X-Tracker-Pagination-Returned': str(n + 1)}
        yield 'another limit', {**x.headers, 'X-Tracker-Pagination-Limit': '12345'}


def known_of(x):
    """A dump that has each resource as it stands in this answer."""
    dump = {}
    for _, o in resources(x.body):
        if 'kind' in o and 'id' in o:
            dump.setdefault(o['kind'], {})[o['id']] = o
    return dump


def found(x, given, dump):
    return compare(x, given, dump, kind_of(x))


@NEEDS_DATA
def test_what_was_recorded_agrees_with_itself():
    for x in exchanges():
        assert found(x, Given(x, x.body), known_of(x)) == [], x.number


@NEEDS_DATA
def test_nothing_that_is_spoilt_agrees():
    n = 0
    for x in exchanges():
        dump = known_of(x)
        for what, body in spoilt_bodies(x):
            assert found(x, Given(x, body), dump), f'{x.number}: {what}'
            n += 1
        for what, headers in spoilt_headers(x):
            assert found(x, Given(x, x.body, headers), dump), f'{x.number}: {what}'
            n += 1
        assert found(x, Given(x, x.body, status=418), dump)
        if x.body:
            assert found(x, Given(x, None), dump), x.number
            assert found(x, Given(x, [] if isinstance(x.body, list) else {}), dump), x.number
    assert n > 2000


@NEEDS_DATA
def test_values_that_the_dump_still_has_are_compared():
    n = 0
    for x in exchanges():
        path, o = first_object(x)
        if x.method != 'GET' or o is None or o['kind'] not in ('story', 'task', 'comment', 'label', 'epic'):
            continue
        for key in ('name', 'created_at', 'project_id', 'description', 'text', 'url'):
            if key not in o:
                continue
            body = spoil(x.body, path, put(key, 7 if isinstance(o[key], int) else 'x'))
            assert found(x, Given(x, body), known_of(x)), f'{x.number}: {key}'
            n += 1
    assert n > 300


@NEEDS_DATA
def test_a_write_must_have_set_what_was_sent():
    n = 0
    for x in exchanges():
        values = x.sent_values()
        for key in values.keys() & (x.body or {}).keys() if x.status == 200 and x.method in ('PUT', 'POST') else ():
            if isinstance(x.body[key], str) and x.body[key] == values[key]:
                assert found(x, Given(x, {**x.body, key: 'x'}), {}), f'{x.number}: {key}'
                n += 1
    assert n > 20


def test_a_null_that_may_be_is_no_disagreement():
    """Without recordings: two answers of our own."""
    class Recorded:
        status, headers, method, target, path = 200, {}, 'GET', '/stories/1', '/stories/1'
        body = {'kind': 'story', 'id': 1, 'name': 'a', 'estimate': 3}

        def sent_values(self):
            return {}

    def against(body, known):
        x = Recorded()
        return compare(x, Given(x, {'kind': 'story', 'id': 1, **body}), {'story': {1: known}}, 'story')

    assert against({'name': 'a'}, {'id': 1, 'name': 'a'}) == []
    assert against({'name': 'a'}, {'id': 1, 'name': 'a', 'estimate': 2}) == ['estimate: recorded, not here']
    assert against({'estimate': 3}, {'id': 1}) == ['name: recorded, not here']
    assert against({'name': 'b', 'estimate': 3}, {'id': 1, 'name': 'c'}) == []
    assert against({'name': 'b', 'estimate': 3}, {'id': 1, 'name': 'a'}) == ["name: 'a' recorded, 'b' here"]
