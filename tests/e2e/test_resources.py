# SPDX-License-Identifier: GPL-2.0-or-later
"""V5's resources as clients know them, against those that the server has; and what endpoints answer.

A line is a field: its type, whether it stands in the default response (`-`: on request), who writes it (C on create, U on
update), the longest text or the words of an enumeration. `kind` is on each resource, and on no line.
"""
import functools
import json
import re

import pytest

from conftest import ROOT, storyfs
from test_routes import explained as endpoints_not_there, known as endpoints

RESOURCES = '''
story
  id                int
  project_id        int        U
  name              xstr:5000  CU
  description       xstr:20000 CU
  story_type        enum       CU  feature bug chore release
  current_state     enum       CU  accepted delivered finished started rejected planned unstarted unscheduled
  estimate          float      CU
  accepted_at       datetime   CU
  deadline          datetime   CU
  projected_completion  datetime -
  points_accepted   float      -
  points_total      float      -
  counts_accepted   int        -
  counts_total      int        -
  requested_by_id   int        CU
  requested_by      object     -
  owned_by_id       int        CU
  owned_by          object     -
  owner_ids         ids        CU
  owners            objects    -
  label_ids         ids        -CU
  labels            objects    CU
  task_ids          ids        -
  tasks             objects    -C
  comment_ids       ids        -
  comments          objects    -C
  blocker_ids       ids        -
  blockers          objects    -C
  review_ids        ids        -
  reviews           objects    -C
  pull_request_ids  ids        -
  pull_requests     objects    -C
  branch_ids        ids        -
  branches          objects    -C
  cicd_event_ids    ids        -
  follower_ids      ids        -CU
  followers         objects    -
  blocked_story_ids ids        -
  before_id         int        -CU
  after_id          int        -CU
  integration_id    int        CU
  integration       object     -
  external_id       str:255    CU
  url               str
  transitions       objects    -
  cycle_time_details object    -
  story_priority    enum       CU  p0 p1 p2 p3 none
  created_at        datetime   C
  updated_at        datetime
label
  id                int
  project_id        int
  name              xstr:255   CU
  created_at        datetime
  updated_at        datetime
  counts            any        -
epic
  id                int
  project_id        int
  name              xstr:5000  CU
  description       xstr:20000 CU
  label_id          int        -CU
  label             object     CU
  url               str
  follower_ids      ids        -CU
  comment_ids       ids        -
  comments          objects    -C
  pull_request_ids  ids        -
  branch_ids        ids        -
  before_id         int        -CU
  after_id          int        -CU
  past_done_story_estimates        float -
  past_done_stories_count          int   -
  past_done_stories_no_point_count int   -
  completed_at      datetime   -
  projected_completion datetime -
  created_at        datetime
  updated_at        datetime
task
  id                int
  story_id          int
  description       xstr:1000  CU
  complete          bool       CU
  position          int        CU
  created_at        datetime
  updated_at        datetime
comment
  id                int
  story_id          int
  epic_id           int
  text              xstr:20000 CU
  person_id         int        C
  person            object     -
  created_at        datetime
  updated_at        datetime
  file_attachment_ids   ids     -C
  file_attachments      objects -C
  google_attachment_ids ids     -
  google_attachments    objects -C
  attachment_ids        ids     -
  commit_identifier str:255    C
  commit_type       str:255    C
  external_source   str        C
  external_author   str        C
  external_link     str        C
  reaction_ids      ids        -
  reactions         objects    -
file_attachment
  id                int
  filename          str:255
  created_at        datetime
  uploader_id       int
  uploader          object     -
  thumbnailable     bool
  height            int
  width             int
  size              int
  download_url      str
  content_type      str:255
  uploaded          bool
  big_url           str
  thumbnail_url     str
google_attachment
  id                int
  comment_id        int
  person_id         int
  person            object     -
  google_kind       str
  title             str
  google_id         str
  alternate_link    str
  resource_id       str
person
  id                int
  name              str
  email             str
  initials          str
  username          str
me
  id                int
  name              str
  initials          str
  username          str
  time_zone         object
  api_token         str
  has_google_identity bool
  projects          objects
  email             str
  receives_in_app_notifications bool
  created_at        datetime
  updated_at        datetime
  accounts          objects
  account_ids       ids        -
  project_ids       ids        -
  workspace_ids     ids        -
  workspaces        objects    -
  personal_settings object     -
membership_summary
  id                int
  project_id        int
  project_name      str
  project_color     str
  favorite          bool
  role              enum           owner member viewer
  last_viewed_at    datetime
time_zone
  olson_name        str
  offset            str
project
  id                int
  name              xstr:50    CU
  version           int
  iteration_length  int        CU
  week_start_day    enum       CU  Sunday Monday Tuesday Wednesday Thursday Friday Saturday
  point_scale       str:255    CU
  point_scale_is_custom bool
  bugs_and_chores_are_estimatable bool CU
  automatic_planning bool      CU
  enable_tasks      bool       CU
  start_date        date       CU
  time_zone         object     CU
  velocity_averaged_over int   CU
  number_of_done_iterations_to_show int CU
  has_google_domain bool
  description       xstr:140   CU
  profile_content   xstr:65535 CU
  enable_incoming_emails bool  CU
  initial_velocity  int        CU
  public            bool       CU
  atom_enabled      bool       CU
  project_type      enum       CU  demo private public shared
  start_time        datetime
  created_at        datetime
  updated_at        datetime
  show_story_priority bool     CU
  show_priority_icon bool      CU
  show_priority_icon_in_all_panels bool CU
  account_id        int        CU
  account           object     -
  current_iteration_number int
  enable_following  bool
  status            str        -
  accounting_type   enum       -CU unbillable billable overhead
  featured          bool       -CU
  current_velocity  int        -
  current_volatility float     -
  current_standard_deviation float -
  shown_iterations_start_time datetime -
  story_ids         ids        -
  stories           objects    -
  epics             objects    -
  memberships       objects    -
  labels            objects    -
  integrations      objects    -
  review_types      objects    -
  story_templates   objects    -
  iteration_override_numbers ids -
  scm_type_host_url_mapping any -
project_membership
  id                int
  project_id        int
  last_viewed_at    datetime
  created_at        datetime   C
  updated_at        datetime
  role              enum       CU  owner member viewer
  project_color     str        CU
  favorite          bool       CU
  wants_comment_notification_emails bool
  will_receive_mention_notifications_or_emails bool
  person_id         int        -C
  person            object
account
  id                int
  name              str
  plan              str
  status            str
  days_left         int        -
  over_the_limit    bool       -
  created_at        datetime
  updated_at        datetime
  project_ids       ids        -
account_membership
  id                int
  account_id        int
  person            object
  person_id         int        -C
  created_at        datetime   C
  updated_at        datetime
  owner             bool
  admin             bool       CU
  project_creator   bool       CU
  timekeeper        bool       CU
  time_enterer      bool       CU
account_summary
  id                int
  name              str
  status            str
  plan              str
  days_left         int
  over_the_limit    bool       -
  is_enterprise_guest bool     -
  owner_id          int        -
  admin_ids         ids        -
  permissions       any        -
  number_of_projects int       -
  number_of_private_projects int -
  project_limit     int        -
iteration
  number            int
  project_id        int
  length            int
  team_strength     float
  story_ids         ids        -
  stories           objects
  start             datetime
  finish            datetime
  velocity          int        -
  points            float      -
  accepted_points   float      -
  effective_points  float      -
  accepted          object     -
  created           object     -
  analytics         object     -
iteration_override
  number            int
  project_id        int
  length            int        U
  team_strength     float      U
analytics
  stories_accepted  int
  bugs_created      int
  cycle_time        int
  rejection_rate    float
cycle_time_details
  total_cycle_time  int
  started_time      int
  started_count     int
  finished_time     int
  finished_count    int
  delivered_time    int
  delivered_count   int
  rejected_time     int
  rejected_count    int
  story_id          int
daily_history_container
  header            any
  data              any
story_transition
  state             enum           accepted delivered finished started rejected planned unstarted unscheduled
  story_id          int
  project_id        int
  project_version   int
  occurred_at       datetime
  performed_by_id   int
release
  id                int
  created_at        datetime
  updated_at        datetime
  deadline          datetime
  name              xstr
  description       xstr
  current_state     enum           accepted delivered finished started rejected planned unstarted unscheduled
  accepted_at       datetime
  url               str
  project_id        int
  labels            objects
  story_ids         ids        -
  stories           objects    -
  projected_completion datetime -
  projected_completion_interval any -
  points_accepted   float      -
  points_total      float      -
  counts_accepted   int        -
  counts_total      int        -
activity
  guid              str
  project_version   int
  message           xstr
  highlight         str
  changes           any
  primary_resources any
  secondary_resources any
  project           any
  performed_by      any
  occurred_at       datetime
notification
  id                int
  project           any
  performer         any
  message           xstr
  link              str
  context           xstr
  notification_type str
  new_attachment_count int
  action            str
  story             any
  epic              any
  comment_id        int
  created_at        datetime
  updated_at        datetime
  read_at           datetime   U
workspace
  id                int
  name              str:25     CU
  person_id         int
  project_ids       ids        CU
  projects          objects    -
webhook
  id                int
  project_id        int
  webhook_url       str        CU
  webhook_version   enum       CU  v3 v5
  enabled           bool       CU
  last_error_code   any
  last_response_body any
  created_at        datetime
  updated_at        datetime
blocker
  id                int
  story_id          int
  person_id         int        C
  description       xstr:1000  CU
  resolved          bool       CU
  created_at        datetime
  updated_at        datetime
review
  id                int
  story_id          int
  review_type_id    int        C
  review_type       object     -
  reviewer_id       int        CU
  status            enum       CU  unstarted in_review pass revise
  created_at        datetime
  updated_at        datetime
review_type
  id                int
  project_id        int
  name              str        CU
  hidden            bool       CU
  created_at        datetime
  updated_at        datetime
pull_request
  id                int
  story_id          int
  epic_id           int
  owner             str        C
  repo              str        C
  host_url          str        C
  original_url      str        C
  status            str        C
  number            int        C
  created_at        datetime
  updated_at        datetime
saved_search
  id                int
  project_id        int
  name              str:255    C
  query             str:1000   C
integration
  id                int
  project_id        int
  name              str        CU
  active            bool       CU
  base_url          str        CU
  can_import        bool
  is_other          bool
  story_name        str
  created_at        datetime
  updated_at        datetime
external_story
  name              str
  description       str
  integration_id    int
  external_id       str
  estimate          float
  state             str
  created_at        datetime
  external_requester str
  external_owner    str
  requested_by_id   int
  owned_by_id       int
  owner_ids         ids
  story_type        enum           feature bug chore release
  extra             any
'''

TYPES = {'int': {'integer'}, 'float': {'number'}, 'bool': {'boolean'}, 'str': {'string', 'extended_string'},
         'xstr': {'extended_string'}, 'datetime': {'datetime'}, 'date': {'date'}, 'enum': {'enum'},
         'ids': {'ids'}, 'object': {'object'}, 'objects': {'objects'}}
ALWAYS_IN = {'C': 'create', 'U': 'update'}

# What endpoints answer where the path does not say it: by the last part of it that is no id.
ANSWERS = {
    'me': 'me', 'stories': 'story', 'bulk': 'story', 'owners': 'person', 'labels': 'label', 'tasks': 'task',
    'comments': 'comment', 'activity': 'activity', 'transitions': 'story_transition',
    'story_transitions': 'story_transition', 'blockers': 'blocker', 'reviews': 'review', 'epics': 'epic',
    'uploads': 'file_attachment', 'iterations': 'iteration', 'iteration_overrides': 'iteration_override',
    'analytics': 'analytics', 'cycle_time_details': 'cycle_time_details', 'days': 'daily_history_container',
    'releases': 'release', 'searches': 'saved_search', 'integrations': 'integration', 'webhooks': 'webhook',
    'workspaces': 'workspace', 'accounts': 'account', 'account_summaries': 'account_summary', 'projects': 'project',
    'notifications': 'notification', 'source_commits': 'story',
}
SPECIAL = {'/accounts/<>/memberships': 'account_membership', '/projects/<>/memberships': 'project_membership',
           '/projects/<>/integrations/<>/stories': 'external_story', '/my/people': 'project_membership',
           '/people/<>/notifications/since/<>': 'notification'}
# No resources: files, commands and containers without a kind.
BARE = {'/stories/export', '/projects/<>/export', '/aggregator', '/projects/<>/search', '/workspaces/<>/search',
        '/my/notifications/mark_read'}
PAGED = {'/projects/<>/stories', '/projects/<>/activity', '/projects/<>/stories/<>/activity',
         '/projects/<>/epics/<>/activity', '/my/activity', '/workspaces/<>/activity',
         '/projects/<>/stories/<>/transitions', '/projects/<>/story_transitions', '/projects/<>/releases',
         '/projects/<>/iterations'}


@functools.cache
def schema():
    return json.loads(storyfs('schema', '--json').stdout)


def known():
    """(kind, key) -> what its line says."""
    kind = None
    for line in filter(None, RESOURCES.split('\n')):
        if not line.startswith(' '):
            kind = line
            continue
        key, type_text, *rest = line.split()
        flags = rest.pop(0) if rest and re.fullmatch('-?C?U?', rest[0]) else ''
        name, _, longest = type_text.partition(':')
        yield (kind, key), {'type': name, 'max': int(longest) if longest else None, 'default': '-' not in flags,
                            'write': {ALWAYS_IN[c] for c in flags if c in 'CU'}, 'words': rest}


def served():
    return {(r['kind'], f['key']): f for r in schema()['resources'] for f in r['fields']}


def explained():
    """Fields that conformance.md says are not there: "`kind.key`" in its list of them."""
    text = (ROOT / 'docs/conformance.md').read_text('utf-8')
    section = re.search(r'^## Fields that are not there\n(.*?)(?=^## |\Z)', text, re.S | re.M)
    return {tuple(name.split('.')) for name in re.findall(r'`(\w+\.\w+)`', section.group(1))} if section else set()


def test_every_field_of_v5_is_there():
    missing = [name for name, _ in known() if name not in served()]
    assert set(missing) == explained(), f'missing: {missing}'


def differences(name, want, have):
    if want['type'] != 'any' and have['type'] not in TYPES[want['type']]:
        yield f'{name}: {want["type"]} of V5, {have["type"]} here'
    if want['default'] != have['default']:
        yield f'{name}: {"" if want["default"] else "not "}in V5\'s default response'
    if want['max'] and have.get('max') != want['max']:
        yield f'{name}: at most {want["max"]} characters, {have.get("max")} here'
    if not want['write'] <= set(have['write']):
        yield f'{name}: written on {want["write"]}, on {have["write"]} here'
    if want['words'] and [w.lower() for w in have.get('choices', [])] != [w.lower() for w in want['words']]:
        yield f'{name}: one of {want["words"]}, {have.get("choices")} here'


def test_every_field_is_as_v5_had_it():
    have = served()
    found = [text for name, want in known() if name in have for text in differences(name, want, have[name])]
    assert not found, '\n'.join(found)


def answer_of(path):
    """The kind that a path answers."""
    if path in SPECIAL or re.sub('/<>$', '', path) in SPECIAL:
        return SPECIAL.get(path) or SPECIAL[re.sub('/<>$', '', path)]
    return ANSWERS[[part for part in path.split('/') if part and part != '<>'][-1]]


def routes_of_v5():
    for endpoint in endpoints():
        method, path = endpoint.split()
        if endpoint not in endpoints_not_there():
            yield method, path


def test_every_endpoint_answers_what_v5_answered():
    routes = {(r['method'], re.sub(r'{[^}]*}', '<>', r['path'])): r for r in schema()['routes']}
    wrong = []
    for method, path in routes_of_v5():
        route = routes[method, path]
        if method != 'DELETE' and path not in BARE and route.get('kind') != answer_of(path):
            wrong.append(f'{method} {path}: {answer_of(path)} of V5, {route.get("kind")} here')
        if route['paged'] != (method == 'GET' and path in PAGED):
            wrong.append(f'{method} {path}: {"" if route["paged"] else "not "}paged here')
    assert not wrong, '\n'.join(wrong)


@pytest.mark.parametrize('spoilt', [('type', 'int'), ('default', False), ('max', 7), ('words', ['a'])])
def test_differences_are_seen(spoilt):
    """Of a field that agrees, with one thing changed."""
    want = dict(known())['story', 'name']
    have = served()['story', 'name']
    assert not list(differences('x', want, have))
    assert list(differences('x', {**want, spoilt[0]: spoilt[1]}, have))
