# SPDX-License-Identifier: GPL-2.0-or-later
"""An answer of this server held against what was recorded of the real service.

The recordings are years apart and the dump is their latest state, so ids, times, versions and the lengths of lists
differ. What must agree: status, headers, key sets, JSON types (whole numbers and others apart), `kind`, errors word for
word, what a write set, and each value that the dump still has as it was recorded. V5 leaves out what is null: a key on
one side alone is no disagreement where the key may be null, and the dump tells that there was no value then, or is none
now.
"""
import json

# What V5 leaves out when it is null. Every other key is there always, or never.
NULLABLE = {
    'story': {'description', 'estimate', 'accepted_at', 'deadline', 'owned_by_id', 'owned_by', 'integration_id',
              'external_id'},
    'epic': {'description'},
    'release': {'description', 'deadline', 'accepted_at'},
    'project': {'description', 'profile_content', 'start_date'},
    'comment': {'text', 'commit_identifier', 'commit_type'},
    'file_attachment': {'content_type', 'height', 'width'},
    'review': {'reviewer_id'},
    'membership_summary': {'last_viewed_at'},
    'cycle_time_details': {'total_cycle_time'},
}
# What kind stands under a key, where the resources do not say it themselves.
KINDS = {'labels': 'label', 'label': 'label', 'owners': 'person', 'owned_by': 'person',
         'requested_by': 'person', 'person': 'person', 'epics': 'epic', 'tasks': 'task',
         'comments': 'comment', 'reviews': 'review', 'review_type': 'review_type',
         'pull_requests': 'pull_request', 'file_attachments': 'file_attachment',
         'account': 'account_summary', 'stories': 'story', 'projects': 'membership_summary'}
# Which keys a change tells depends on what was changed; test_activity_recorded.py has these.
FREE = {'original_values', 'new_values'}
# Lists of resources of any kind.
MIXED = {'changes[]', 'primary_resources[]', 'secondary_resources[]'}
# What goes with the clock, or with every write.
MOVING = {'offset', 'version', 'current_iteration_number', 'start_time', 'updated_at', 'last_viewed_at', 'api_token'}
SAME = ['Content-Type', 'Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials',
        'Access-Control-Allow-Methods', 'Access-Control-Allow-Headers']
PAGINATION = ['X-Tracker-Pagination-' + n for n in ('Total', 'Limit', 'Offset', 'Returned')]


def type_name(value):
    return {bool: 'boolean', int: 'integer', float: 'float', str: 'string', list: 'list', dict: 'object',
            type(None): 'null'}[type(value)]


def identity(value):
    """What names a resource in a list: an iteration has a number, activity a guid, a change of it neither."""
    if not isinstance(value, dict) or value.keys() & FREE:
        return None
    named = value.get('id', value.get('guid', value.get('number')))
    return named if isinstance(named, (int, str)) else None


def words(text):
    return {w.strip() for w in (text or '').split(',')}


class Comparison:
    """dump: kind -> id -> resource, as the server was given them."""

    def __init__(self, x, dump):
        self.x, self.dump = x, dump
        self.sent = x.sent_values()
        self.found = []

    def say(self, text):
        if text not in self.found:
            self.found.append(text)

    # ---- headers ----

    def headers(self, ours, body):
        want = self.x.headers
        for name in SAME:
            if name in want and ours.get(name) != want[name]:
                self.say(f'{name}: {want[name]!r} recorded, {ours.get(name)!r} here')
        if words(ours.get('Cache-Control')) != words(want.get('Cache-Control')):
            self.say(f"Cache-Control: {want.get('Cache-Control')!r} recorded, {ours.get('Cache-Control')!r} here")
        for name in ('X-Tracker-Project-Version', *PAGINATION):
            if (name in want) != (name in ours):
                self.say(f"{name}: {'' if name in want else 'not '}recorded, {'' if name in ours else 'not '}here")
            elif name in ours and not ours[name].lstrip('-').isdigit():
                self.say(f'{name}: no number: {ours[name]!r}')
        for name in ('ETag', 'X-Tracker-Client-Pinger-Interval'):
            if name in want and name not in ours:
                self.say(f'{name}: recorded, not here')
        if self.x.status != 200 and 'ETag' in ours:
            self.say('ETag: here, on no 200')
        if all(name in want and name in ours for name in PAGINATION):
            self.pagination(ours, body or [])

    def pagination(self, ours, body):
        total, limit, offset, returned = (int(ours[name]) for name in PAGINATION)
        for name, n in (('Limit', limit), ('Offset', offset)):
            if n != int(self.x.headers['X-Tracker-Pagination-' + name]):
                self.say(f'X-Tracker-Pagination-{name}: another than recorded: {n}')
        start = offset if offset >= 0 else max(0, total + offset)  # from the end
        if returned != len(body) or returned != max(0, min(limit, total - start)):
            self.say(f'pagination is not consistent: {total} {limit} {offset} {returned} for {len(body)}')

    # ---- bodies ----

    def values(self, want, ours, path, kind, held=None):
        """held: what the dump has there, when it has the resource."""
        if type_name(want) != type_name(ours):
            self.say(f'{path}: {type_name(want)} recorded, {type_name(ours)} here')
        elif isinstance(want, dict):
            self.objects(want, ours, path, kind)
        elif isinstance(want, list):
            self.lists(want, ours, path, kind, held)

    def known(self, kind, resource):
        return self.dump.get(kind, {}).get(identity(resource))

    def was_null(self, key, path, known):
        """Recorded with a value, and not here: is there none any more?"""
        return known is not None and key not in known and not (key in self.sent and '.' not in path)

    def objects(self, want, ours, path, kind):
        kind = want.get('kind', kind)
        known = self.known(kind, ours)
        for key in sorted(want.keys() | ours.keys()):
            where = f'{path}.{key}' if path else key
            nullable = key in NULLABLE.get(kind, ())
            if key in FREE:
                continue
            if key in want and key in ours:
                self.values(want[key], ours[key], where, KINDS.get(key), (known or {}).get(key))
                self.contents(key, where, (want, ours), known)
            elif key in want and not (nullable and self.was_null(key, where, known)):
                self.say(f'{where}: recorded, not here')
            elif key in ours and not (nullable and (known is None or key in known)):
                self.say(f'{where}: here, not recorded')

    def contents(self, key, where, both, known):
        """The values themselves, where nothing that happened between explains a difference."""
        want, ours = both[0][key], both[1][key]
        if isinstance(want, (dict, list)) or want == ours or key in MOVING:
            return
        same = identity(both[0]) == identity(both[1]) and known is not None
        asked = '.' not in where and self.sent.get(key) == want
        if key == 'kind' or both[0].get('kind') == 'error' or asked or \
                (same and key not in self.sent and known.get(key) == want):
            self.say(f'{where}: {want!r} recorded, {ours!r} here')

    def lists(self, want, ours, path, kind, held):
        mine = {identity(o): o for o in ours if identity(o) is not None}
        theirs = {identity(w) for w in want} - {None}
        for w in want:
            if identity(w) in mine:
                self.values(w, mine[identity(w)], f'{path}[]', kind)
        rest = [w for w in want if identity(w) not in mine]
        others = [o for o in ours if identity(o) not in theirs]
        if want and not ours and held != [] and not self.moved(want):
            self.say(f'{path}[]: some recorded, none here')
        if want and others:
            self.strangers(rest or want, others, f'{path}[]', kind)

    def moved(self, stories):
        """Were the stories of a Done iteration accepted again since, and so are elsewhere?"""
        now = [self.known('story', s) for s in stories if isinstance(s, dict) and 'accepted_at' in s]
        return len(now) == len(stories) and \
            all(held and held.get('accepted_at') != s['accepted_at'] for held, s in zip(now, stories))

    def strangers(self, want, ours, path, kind):
        """Each of ours against all of theirs of its sort, when no two are the same resource."""
        for o in ours:
            like = [w for w in want if self.sort_of(w) == self.sort_of(o)]
            if not like and isinstance(o, dict) and path.split('.')[-1] in MIXED:
                continue  # another sort than any that was recorded
            if not like:
                self.say(f'{path}: {self.sort_of(o)} here, not recorded')
            elif isinstance(o, dict):
                self.stranger(like, o, path, kind)
            elif isinstance(o, list):
                self.row(like, o, path)

    @staticmethod
    def sort_of(value):
        """Activity is of many kinds, and of one shape."""
        if isinstance(value, dict):
            kind = value.get('kind')
            return 'activity' if str(kind).endswith('_activity') else (kind, value.get('change_type'))
        return type_name(value)

    def stranger(self, like, o, path, kind):
        kind = o.get('kind', kind)
        known = self.known(kind, o)
        nullable = NULLABLE.get(kind, set())
        always = set.intersection(*(set(w) for w in like))
        ever = set.union(*(set(w) for w in like))
        for key in sorted(always - o.keys() - nullable - ({k for k in always if k not in known} if known else set())):
            self.say(f'{path}.{key}: recorded, not here')
        for key in sorted(o.keys() - ever - nullable):
            self.say(f'{path}.{key}: here, not recorded')
        for key in sorted((o.keys() & ever) - FREE):
            with_key = [w[key] for w in like if key in w]
            fitting = [v for v in with_key if type_name(v) == type_name(o[key])]
            if not fitting:
                self.say(f'{path}.{key}: {type_name(with_key[0])} recorded, {type_name(o[key])} here')
            elif isinstance(o[key], dict):
                self.objects(fitting[0], o[key], f'{path}.{key}', KINDS.get(key))
            elif isinstance(o[key], list):
                self.lists([item for v in fitting for item in v], o[key], f'{path}.{key}', KINDS.get(key),
                           (known or {}).get(key, [] if known or kind == 'iteration' else None))

    def row(self, like, o, path):
        """A line of a table, whose columns have types."""
        if not any([type_name(v) for v in w] == [type_name(v) for v in o] for w in like):
            self.say(f'{path}: other columns than recorded')


def compare(x, answer, dump, kind):
    """What disagrees, in words; nothing when the answer is what was recorded. kind: of the answer's resources."""
    c = Comparison(x, dump)
    if answer.status != x.status:
        c.say(f'status: {x.status} recorded, {answer.status} here: {answer.body[:300]!r}')
        return c.found
    body = json.loads(answer.body) if answer.body.strip() else None
    c.headers(answer.headers, body)
    if x.body is not None and body is not None:
        c.values(x.body, body, '', kind)
    elif (x.body is None) != (body is None):
        c.say('a body on one side only')
    return c.found
