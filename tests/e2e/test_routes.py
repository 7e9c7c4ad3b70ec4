# SPDX-License-Identifier: GPL-2.0-or-later
"""V5's endpoints as clients know them, one a line, against those that the server has.

`<>` is an id (or a number, a time) in a path. What V5 had by name alone, and nobody knows more of, stands in
docs/conformance.md when the server does not have it.
"""
import json
import re

from conftest import ROOT, storyfs

ENDPOINTS = '''
GET PUT         /me
GET             /my/activity
GET             /my/notifications
PUT             /my/notifications/mark_read
PUT             /my/notifications/<>
GET             /my/notifications/read_list
GET             /people/<>/notifications/since/<>
GET             /my/people
GET POST        /my/workspaces
GET PUT DELETE  /my/workspaces/<>
GET             /workspaces/<>/activity
GET             /workspaces/<>/search

GET             /accounts
GET             /accounts/<>
GET             /account_summaries
GET POST        /accounts/<>/memberships
GET PUT DELETE  /accounts/<>/memberships/<>

GET POST        /projects
GET PUT DELETE  /projects/<>
GET POST        /projects/<>/memberships
GET PUT DELETE  /projects/<>/memberships/<>

GET POST        /projects/<>/stories
GET             /projects/<>/stories/bulk
GET PUT DELETE  /projects/<>/stories/<>
GET PUT DELETE  /stories/<>
GET POST        /projects/<>/stories/<>/owners
DELETE          /projects/<>/stories/<>/owners/<>
GET POST        /projects/<>/stories/<>/labels
DELETE          /projects/<>/stories/<>/labels/<>
GET POST        /projects/<>/stories/<>/tasks
GET PUT DELETE  /projects/<>/stories/<>/tasks/<>
GET POST        /projects/<>/stories/<>/comments
GET PUT DELETE  /projects/<>/stories/<>/comments/<>
GET             /projects/<>/stories/<>/activity
GET             /projects/<>/stories/<>/transitions
GET POST        /projects/<>/stories/<>/blockers
GET PUT DELETE  /projects/<>/stories/<>/blockers/<>
GET POST        /projects/<>/stories/<>/reviews
GET PUT DELETE  /projects/<>/stories/<>/reviews/<>
GET             /projects/<>/story_transitions
POST            /stories/export

GET POST        /projects/<>/epics
GET PUT DELETE  /projects/<>/epics/<>
GET             /epics/<>
GET POST        /projects/<>/epics/<>/comments
GET PUT DELETE  /projects/<>/epics/<>/comments/<>
GET             /projects/<>/epics/<>/activity
GET POST        /projects/<>/labels
GET PUT DELETE  /projects/<>/labels/<>

POST            /projects/<>/uploads
DELETE          /projects/<>/stories/<>/comments/<>/file_attachments/<>
DELETE          /projects/<>/stories/<>/comments/<>/google_attachments/<>
DELETE          /projects/<>/epics/<>/comments/<>/file_attachments/<>
DELETE          /projects/<>/epics/<>/comments/<>/google_attachments/<>

GET             /projects/<>/iterations
GET             /projects/<>/iterations/<>
PUT             /projects/<>/iteration_overrides/<>
GET             /projects/<>/iterations/<>/analytics
GET             /projects/<>/iterations/<>/analytics/cycle_time_details
GET             /projects/<>/history/days
GET             /projects/<>/history/iterations/<>/days
GET             /projects/<>/history/releases/<>/days
GET             /projects/<>/history/snapshots
GET             /reports/progress/projects/<>/stories
GET             /projects/<>/releases
GET             /projects/<>/releases/<>
GET             /projects/<>/releases/<>/stories

GET             /projects/<>/activity
GET             /projects/<>/search
GET POST        /projects/<>/my/searches
DELETE          /projects/<>/my/searches/<>

GET POST        /projects/<>/integrations
GET PUT DELETE  /projects/<>/integrations/<>
GET             /projects/<>/integrations/<>/stories
GET POST        /projects/<>/webhooks
GET PUT DELETE  /projects/<>/webhooks/<>
POST            /projects/<>/export
POST            /source_commits
POST            /aggregator
'''

# What each takes, beside what all take (fields, envelope, date_format).
PARAMETERS = '''
GET    /my/activity: limit offset occurred_before occurred_after
GET    /my/notifications: created_after
PUT    /my/notifications/mark_read: before
PUT    /my/notifications/<>: read_at
GET    /my/people: project_id
POST   /my/workspaces: name project_ids
PUT    /my/workspaces/<>: name project_ids
GET    /workspaces/<>/activity: limit offset occurred_before occurred_after
GET    /workspaces/<>/search: query
GET    /account_summaries: with_permission
POST   /accounts/<>/memberships: person_id email name initials created_at admin project_creator timekeeper time_enterer
PUT    /accounts/<>/memberships/<>: admin project_creator timekeeper time_enterer
GET    /projects: account_ids
POST   /projects: name no_owner new_account_name account_id create_sample join_as iteration_length week_start_day point_scale bugs_and_chores_are_estimatable automatic_planning enable_tasks start_date time_zone velocity_averaged_over number_of_done_iterations_to_show description profile_content enable_incoming_emails initial_velocity public project_type atom_enabled accounting_type featured show_story_priority
PUT    /projects/<>: name account_id iteration_length week_start_day point_scale bugs_and_chores_are_estimatable automatic_planning enable_tasks start_date time_zone velocity_averaged_over number_of_done_iterations_to_show description profile_content enable_incoming_emails initial_velocity public project_type atom_enabled accounting_type featured show_story_priority show_priority_icon show_priority_icon_in_all_panels
GET    /projects/<>/memberships: sort_by
POST   /projects/<>/memberships: person_id email name initials role project_color
PUT    /projects/<>/memberships/<>: role project_color
GET    /projects/<>/stories: with_label with_state with_story_type with_story_priority after_story_id before_story_id accepted_before accepted_after created_before created_after updated_before updated_after deadline_before deadline_after limit offset filter
POST   /projects/<>/stories: name description story_type current_state estimate accepted_at deadline requested_by_id owner_ids owners owned_by_id label_ids labels tasks comments blockers reviews pull_requests branches follower_ids before_id after_id integration_id external_id story_priority created_at
GET    /projects/<>/stories/bulk: ids
PUT    /projects/<>/stories/<>: name description story_type current_state estimate accepted_at deadline requested_by_id owner_ids owned_by_id label_ids labels follower_ids before_id after_id group project_id comment integration_id external_id story_priority
PUT    /stories/<>: name current_state estimate group project_id comment
POST   /projects/<>/stories/<>/owners: id
POST   /projects/<>/stories/<>/labels: name id
POST   /projects/<>/stories/<>/tasks: description complete position
PUT    /projects/<>/stories/<>/tasks/<>: description complete position
POST   /projects/<>/stories/<>/comments: text person_id file_attachments file_attachment_ids google_attachments commit_identifier commit_type
PUT    /projects/<>/stories/<>/comments/<>: text file_attachment_ids_to_add file_attachment_ids_to_remove attachments_to_add attachment_ids_to_remove google_attachment_ids_to_remove
GET    /projects/<>/stories/<>/activity: limit offset occurred_before occurred_after since_version sort_order
GET    /projects/<>/stories/<>/transitions: limit offset
POST   /projects/<>/stories/<>/blockers: description resolved person_id
PUT    /projects/<>/stories/<>/blockers/<>: description resolved
POST   /projects/<>/stories/<>/reviews: review_type_id reviewer_id status
PUT    /projects/<>/stories/<>/reviews/<>: status reviewer_id
GET    /projects/<>/story_transitions: occurred_after occurred_before limit offset
POST   /stories/export: ids
GET    /projects/<>/epics: filter
POST   /projects/<>/epics: name label label_id description comments follower_ids after_id before_id
PUT    /projects/<>/epics/<>: follower_ids name label label_id description after_id before_id
POST   /projects/<>/epics/<>/comments: text person_id file_attachments file_attachment_ids google_attachments commit_identifier commit_type
POST   /projects/<>/labels: name
PUT    /projects/<>/labels/<>: name
POST   /projects/<>/uploads: file
GET    /projects/<>/iterations: scope label limit offset
PUT    /projects/<>/iteration_overrides/<>: length team_strength
GET    /projects/<>/history/days: start_date end_date label
GET    /projects/<>/history/iterations/<>/days: label
GET    /projects/<>/history/releases/<>/days: label
GET    /projects/<>/releases: with_state limit offset
GET    /projects/<>/activity: limit offset occurred_before occurred_after since_version sort_order
GET    /projects/<>/search: query
POST   /projects/<>/my/searches: name query
POST   /projects/<>/integrations: type name active base_url api_username api_password zendesk_user_email zendesk_user_password view_id company product component statuses_to_exclude filter_id account external_api_token bin_id external_project_id import_api_url basic_auth_username basic_auth_password comments_private update_comments update_state
PUT    /projects/<>/integrations/<>: name active base_url
GET    /projects/<>/integrations/<>/stories: exclude_linked
POST   /projects/<>/webhooks: webhook_url webhook_version enabled
PUT    /projects/<>/webhooks/<>: webhook_url webhook_version enabled
POST   /projects/<>/export: story_ids
POST   /source_commits: source_commit
'''


def known():
    for line in filter(None, ENDPOINTS.split('\n')):
        *methods, path = line.split()
        for method in methods:
            yield f'{method} {path}'


def served():
    for route in json.loads(storyfs('schema', '--json').stdout)['routes']:
        yield f'{route["method"]} {re.sub(r"{[^}]*}", "<>", route["path"])}'


def taken():
    """"METHOD /path": the parameters."""
    for route in json.loads(storyfs('schema', '--json').stdout)['routes']:
        path = re.sub(r'{[^}]*}', '<>', route['path'])
        yield f'{route["method"]} {path}', {p['key'] for p in route['parameters']}


def explained():
    """Endpoints that conformance.md says are not there: "`GET /path/<>`" in its list of them."""
    text = (ROOT / 'docs/conformance.md').read_text('utf-8')
    section = re.search(r'^## Endpoints that are not there\n(.*?)(?=^## |\Z)', text, re.S | re.M)
    return set(re.findall(r'`((?:GET|POST|PUT|DELETE) /[^`]+)`', section.group(1))) if section else set()


def test_every_endpoint_of_v5_is_there():
    missing = set(known()) - set(served())
    unexplained = sorted(missing - explained(), key=list(known()).index)
    assert not unexplained, f'{len(unexplained)} endpoints are missing:\n' + '\n'.join(unexplained)
    assert explained() <= missing, 'what is there needs no explanation'


def test_no_endpoint_is_there_twice():
    routes = list(served())
    assert len(routes) > 50 and len(set(routes)) == len(routes)


def test_every_parameter_of_v5_is_taken():
    routes = dict(taken())
    missing = []
    for line in filter(None, PARAMETERS.split('\n')):
        endpoint, keys = line.split(': ')
        endpoint = ' '.join(endpoint.split())
        if endpoint not in explained():
            missing += [f'{endpoint}: {key}' for key in keys.split() if key not in routes.get(endpoint, ())]
    assert not missing, f'{len(missing)} parameters are missing:\n' + '\n'.join(missing)
