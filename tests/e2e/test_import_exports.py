# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs import` of Tracker's own exports: every generation of the CSV, ZIPs, and what is wrong with them."""
import json
import re
import sqlite3
import stat
import zipfile

import pytest

import mounted
from conftest import storyfs, write_dump
from test_import import content

LOSSES = ('an export does not hold: times of day, the ids of what hangs on a story, e-mail addresses and initials, '
          'followers, who blocked, when a task was made, to which comment a file belongs, the settings of a project, '
          'its activity, reactions, what roles members have, commas in the names of labels')

# Up to about 2011: other words, one owner, notes.
OLD = '''\
Id,Story,Labels,Iteration,Iteration Start,Iteration End,Story Type,Estimate,Current State,Created at,Accepted at,\
Deadline,Requested By,Owned By,Description,URL,Note,Note
501,Open the shop,"shop, first",1,"Jan 4, 2010","Jan 17, 2010",feature,2,accepted,"Jan 4, 2010","Jan 12, 2010",,\
Ann Lee,Bo Chen,,http://www.pivotaltracker.com/story/show/501,"Good (Ann Lee - Jan 5, 2010)",\
"(yes) (Bo Chen - Jan 6, 2010)"
502,Paint it,,2,"Jan 18, 2010","Jan 31, 2010",chore,,started,"Jan 5, 2010",,,Ann Lee,,"a ""red"" wall
and a door",http://www.pivotaltracker.com/story/show/502
'''

# About 2015: epics are rows, tasks and owners repeat. Saved by a spreadsheet: a mark, CRLF.
MIDDLE = '\ufeff' + '''\
Id,Title,Labels,Iteration,Iteration Start,Iteration End,Type,Estimate,Current State,Created at,Accepted at,Deadline,\
Requested By,Description,URL,Owned By,Owned By,Comment,Task,Task Status,Task,Task Status
90,The kitchen,kitchen,,,,epic,,,"Nov 19, 2015",,,,Where we cook,https://www.pivotaltracker.com/epic/show/90,,,\
"Soon (Ann Lee - Nov 19, 2015)"
601,Buy a stove,"kitchen,big",,,,feature,8,unstarted,"Nov 19, 2015",,,Ann Lee,'=stove,,Ann Lee,Bo (QA) Chen,\
"He wrote (me - you) here (Bo (QA) Chen - Nov 20, 2015)",Measure,completed,Pay,not completed
602,Release,,,,,release,,unscheduled,"Nov 20, 2015",,"Dec 24, 2015",ann lee
603,Mice,,,,,bug,-1,unscheduled,"Nov 21, 2015",,,Bo (QA) Chen,,,,,,,,Trap,
'''.replace('\n', '\r\n')

# The last: priorities, blockers, reviews, pull requests and branches; and a column of nobody's.
NEW = '''\
Id,Title,Labels,Type,Estimate,Priority,Current State,Created at,Requested By,Blocker,Blocker Status,Blocker,\
Blocker Status,Reviewer,Review Type,Review Status,Task,Task,Task Status,Task Status,Pull Request,Git Branch,Mood,Mood
701,Ship,,feature,3,p1 - High,finished,"Mar 3, 2025",Ann Lee,#702,blocked,rain,resolved,Bo Chen,QA,in_review,\
Pack,Send,completed,not completed,https://github.com/a/b/pull/9,ship-it,good,bad
702,Rain,,bug,,none,rejected,"Mar 4, 2025",Ann Lee
'''

STRANGE = b'''\
Id,Title,Type,Estimate,Current State,Created at,Comment,Task,Task Status,Title
801,One,feature,many,started,"Feb 30, 2015",no author,Do,maybe,Uno
801,Again,feature,1,started
802,caf\xe9 \x80\x00,thing,-2,asleep,yesterday
,Nameless,feature,1,started
,Nameless,feature,1,started
0,,feature
803,Wide,feature,1,started,"Mar 1, 2015",,,,,beyond
,,,
90,Epic,epic,3,started,"Mar 1, 2015",,Do,completed
'''


@pytest.fixture
def put(tmp_path):
    def write(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name
    return write


@pytest.fixture
def put_zip(tmp_path):
    def write(name, files):
        with zipfile.ZipFile(tmp_path / name, 'w', zipfile.ZIP_DEFLATED) as z:
            for entry, text in files:
                z.writestr(entry, text)
        return tmp_path / name
    return write


@pytest.fixture
def run(tmp_path):
    def imports(*args, archive='a.db'):
        done = storyfs('import', *args, tmp_path / archive)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return imports


@pytest.fixture
def show(tmp_path):
    """Mount an archive as it is now: the tree, and the one project in it."""
    if not mounted.can_mount():
        pytest.skip('no /dev/fuse')
    mounts = mounted.Mounts(tmp_path)

    def mount(archive='a.db'):
        path = mounts(tmp_path / archive).path
        return next((path / 'projects').iterdir())
    yield mount
    mounts.finish()


def refuse(tmp_path, path, reason, *args):
    done = storyfs('import', *args, path, tmp_path / 'refused.db')
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr.splitlines()[-1] == f'storyfs: import: {reason}'
    assert not (tmp_path / 'refused.db').exists()


def counts(report):
    return {name: (int(read), int(new)) for name, read, new in
            re.findall(r'^(\w+) +(\d+) read +(\d+) new or changed$', report, re.M)}


def notes(report):
    return report.split('\n\n', 1)[1].splitlines()


def get(project, path):
    return json.loads((project / path).read_text())


def fields(project, story, *names):
    return [(project / 'stories' / str(story) / name).read_text().rstrip('\n') for name in names]


def test_an_old_export(put, run, show):
    path = put('corner_shop_20110205_0930.csv', OLD)
    report = run(path)
    assert counts(report) == {
        'person': (2, 2), 'project': (1, 1), 'project_membership': (0, 2), 'label': (2, 2), 'story': (2, 2),
        'comment': (2, 2)}
    assert notes(report) == [LOSSES]
    shop = show()
    project = get(shop, 'project.json')
    assert (project['name'], project['iteration_length'], project['start_date'], project['week_start_day']) == \
        ('corner_shop', 2, '2010-01-04', 'Monday')
    assert fields(shop, 501, 'name', 'story_type', 'current_state', 'estimate', 'owners', 'labels', 'requested_by') == \
        ['Open the shop', 'feature', 'accepted', '2', 'Bo Chen', 'first\nshop', 'Ann Lee']
    assert fields(shop, 501, 'created_at', 'accepted_at', 'comments/50100001/text', 'comments/50100002/text') == \
        ['2010-01-04T00:00:00Z', '2010-01-12T00:00:00Z', 'Good', '(yes)']
    assert fields(shop, 501, 'comments/50100002/person', 'comments/50100002/created_at') == \
        ['Bo Chen', '2010-01-06T00:00:00Z']
    assert fields(shop, 502, 'description', 'url', 'estimate') == \
        ['a "red" wall\nand a door', 'http://www.pivotaltracker.com/story/show/502', '']


def test_a_middle_export(put, run, show):
    report = run(put('kitchen.csv', MIDDLE))
    assert counts(report)['story'] == (3, 3) and counts(report)['epic'] == (1, 1)
    assert counts(report)['person'] == (2, 2) and counts(report)['task'] == (3, 3)
    assert notes(report) == [LOSSES]
    shop = show()
    assert get(shop, 'project.json')['point_scale'] == '0,1,2,4,8'
    assert fields(shop, 601, 'description', 'owners', 'comments/60100001/text', 'comments/60100001/person') == \
        ['=stove', 'Ann Lee\nBo (QA) Chen', 'He wrote (me - you) here', 'Bo (QA) Chen']
    assert fields(shop, 601, 'tasks/60100001/description', 'tasks/60100001/complete', 'tasks/60100002/complete') == \
        ['Measure', 'true', 'false']
    assert fields(shop, 602, 'story_type', 'deadline', 'requested_by') == ['release', '2015-12-24T00:00:00Z', 'Ann Lee']
    assert fields(shop, 603, 'estimate', 'tasks/60300001/complete') == ['', 'false']
    assert (shop / 'epics/90/label').read_text() == 'kitchen\n'
    assert (shop / 'epics/90/comments/9050001/text').read_text() == 'Soon\n'
    assert [p.name.split('-')[1] for p in (shop / 'by-epic').glob('*/*')] == ['601']
    ids = [line.split('\t')[0] for line in (shop / 'stories.tsv').read_text().splitlines()[1:]]
    assert ids == ['601', '602', '603']


def test_a_new_export(put, run, show, tmp_path):
    path = put('post_20250401_1200.csv', NEW)
    report = run(path)
    assert counts(report)['review'] == (1, 1) and counts(report)['review_type'] == (1, 1)
    assert notes(report) == [f"{path}: the unknown column 'Mood': 1 cells, kept"] * 2 + [LOSSES]
    shop = show()
    assert fields(shop, 701, 'story_priority', 'blockers/70100001/description', 'blockers/70100001/resolved',
                  'blockers/70100002/resolved', 'reviews/70100001/status') == \
        ['p1', '#702', 'false', 'true', 'in_review']
    assert fields(shop, 701, 'tasks/70100001/complete', 'tasks/70100002/description', 'tasks/70100002/complete') == \
        ['true', 'Send', 'false']
    assert '{"Mood":["good","bad"]}' in str(content(tmp_path / 'a.db')['unknown'])
    story = get(shop, 'json/701.json')
    assert story['story_priority'] == 'p1' and 'Mood' not in story


def test_what_cannot_be_read_is_told_and_kept(put, run, tmp_path, monkeypatch):
    monkeypatch.setenv('USER', 'shopkeeper')
    path = put('odd.csv', STRANGE)
    report = run(path)
    kept = 'kept as it is'
    states = 'accepted, delivered, finished, started, rejected, planned, unstarted, unscheduled'
    assert notes(report) == [f'{path}: {line}' for line in [
        f"line 2, Title: 'Uno' stands in a column that comes twice; {kept}",
        f"line 2, Estimate: 'many' is no number of points; {kept}",
        f"line 2, Created at: 'Feb 30, 2015' is no day; {kept}",
        "line 2, Comment: 'no author' does not end with (author - day); nobody said it",
        f"line 2, Task Status: 'maybe' is no status; {kept}",
        "line 3, Id: '801' stands in an earlier row already; this row was left out",
        "line 4, Title: 'caf\xe9 \u20ac?' is not all UTF-8; the rest was taken for Windows-1252",
        f"line 4, Type: 'thing' is not one of feature, bug, chore, release; {kept}",
        f"line 4, Estimate: '-2' is no number of points; {kept}",
        f"line 4, Current State: 'asleep' is not one of {states}; {kept}",
        f"line 4, Created at: 'yesterday' is no day; {kept}",
        f"line 7, Id: '0' is no id; it got one of its own; {kept}",
        "line 7, Title: '' is empty",
        "line 8, (no title): 'beyond' stands behind the last column; left out",
        f"line 10, Estimate: '3' is nothing that an epic has; {kept}",
        f"line 10, Current State: 'started' is nothing that an epic has; {kept}",
        f"line 10, Task: 'Do' is nothing that an epic has; {kept}",
        f"line 10, Task Status: 'completed' is nothing that an epic has; {kept}",
    ]] + [LOSSES, "it names nobody; 'shopkeeper' was made and owns the archive"]
    assert counts(report)['story'] == (6, 6)
    assert 'Feb 30, 2015' in str(content(tmp_path / 'a.db')['unknown'])
    assert 'caf\xe9 \u20ac\ufffd' in str(content(tmp_path / 'a.db')['story'])
    assert 'nothing changed' in run(path)


@pytest.mark.parametrize('text', [OLD, MIDDLE, NEW, STRANGE])
def test_the_same_again_changes_nothing(put, run, tmp_path, text):
    path = put('shop_20150101_1200.csv', text)
    run(path)
    before = content(tmp_path / 'a.db')
    assert 'nothing changed' in run(path)
    assert content(tmp_path / 'a.db') == before


def test_a_dry_run_says_the_same_and_does_nothing(put, run, tmp_path):
    path = put('shop.csv', NEW)
    said = run('--dry-run', path)
    assert not (tmp_path / 'a.db').exists()
    assert run(path) == said
    before = content(tmp_path / 'a.db')
    run('--dry-run', '--project', 'shop', put('other.csv', MIDDLE))
    assert content(tmp_path / 'a.db') == before


HEAD = 'Id,Title,Type,Current State,Requested By,Comment,Comment,Comment,Task,Task Status\n'
OLDER = HEAD + '''\
1,First,feature,started,Ann,"a (Ann - Jan 1, 2020)","b (Ann - Jan 1, 2020)","c (Bo - Jan 1, 2020)",t,not completed
2,Gone,feature,started,Ann,"x (Ann - Jan 1, 2020)"
'''
NEWER = HEAD + '''\
3,New,feature,started,Ann
1,Renamed,feature,finished,Ann,"a (Ann - Jan 1, 2020)","c (Bo - Jan 1, 2020)",,t,completed
'''


def test_a_newer_export_updates_and_never_doubles(put, run, show, tmp_path):
    run(put('shop_20200101_1200.csv', OLDER))
    report = run(put('shop_20210101_1200.csv', NEWER))
    a = tmp_path / 'a.db'
    before = content(a)
    run(put('shop_20210101_1200.csv', NEWER))
    assert content(a) == before
    shop = show()
    assert notes(report) == [
        LOSSES, f'project {shop.name}: 1 stories of the archive are not in this export; they stay: 2',
        '1 comments of the archive are not in the lists of these stories; they stay']
    assert fields(shop, 1, 'name', 'current_state', 'tasks/100001/complete') == ['Renamed', 'finished', 'true']
    comments = {p.parent.name: p.read_text() for p in (shop / 'stories/1/comments').glob('*/text')}
    assert comments == {'100001': 'a\n', '100002': 'c\n', '130001': 'b\n'}
    assert get(shop, 'project.json')['version'] == 2


def test_an_older_export_and_a_newer_one_are_the_newer_and_what_only_the_older_had(put, run, show):
    head = 'Id,Title,Task,Task,Task,Comment,Comment,Git Branch,Git Branch\n'
    say = '"{} (Ann - Jan 1, 2020)"'.format
    older, newer = put('shop_20200101_1200.csv', head + f'1,x,a,b,c,{say("p")},{say("q")},m,n\n'), \
        put('shop_20210101_1200.csv', head + f'1,x,b,c,d,{say("p")},{say("Q")},n,\n')
    for path in (older, newer, newer):
        report = run(path)
    assert 'nothing changed' in report
    story = show() / 'stories/1'
    tasks = sorted((int((p / 'position').read_text()), (p / 'description').read_text().strip())
                   for p in (story / 'tasks').iterdir() if p.name.isdigit())
    assert tasks == [(1, 'b'), (2, 'c'), (3, 'd'), (4, 'a')]
    assert [(story / f'comments/10000{n}/text').read_text() for n in (1, 2)] == ['p\n', 'Q\n']
    run(older)
    story = show() / 'stories/1'
    assert sorted(p.read_text() for p in (story / 'tasks').glob('*/description')) == ['a\n', 'b\n', 'c\n', 'd\n']


def test_what_only_the_older_list_had_stays(put, run, tmp_path):
    run(put('shop_1.csv', OLDER), '--project', 'shop')
    report = run(put('shop_2.csv', HEAD + '1,First,feature,started,Ann,"a (Ann - Jan 1, 2020)"\n2,Gone,feature\n'),
                 '--project', 'shop')
    assert '3 comments of the archive are not in the lists of these stories; they stay' in notes(report)
    assert '1 tasks of the archive are not in the lists of these stories; they stay' in notes(report)


def test_what_was_changed_here_is_not_overwritten(put, run, serve, show, tmp_path):
    run(put('shop_20200101_1200.csv', OLDER))
    server = serve(tmp_path / 'a.db')
    project = server.request('GET', '/stories/1').json()['project_id']
    assert server.request('PUT', '/stories/1', body={'name': 'mine'}).status == 200
    task = f'/projects/{project}/stories/1/tasks/100001'
    assert server.request('PUT', task, body={'description': 'mine, too'}).status == 200
    made = server.request('POST', f'/projects/{project}/stories', body={'name': 'here'}).json()
    assert made['id'] > 1000000000
    report = run(put('shop_20210101_1200.csv', NEWER))
    assert notes(report)[0] == (f'project {project} (shop): is not as an export left it; what it has stays, with all '
                                'that hangs on it, and what is new is added')
    shop = show()
    assert fields(shop, 1, 'name', 'current_state') == ['mine', 'started']
    assert fields(shop, 1, 'tasks/100001/description', 'tasks/100001/complete') == ['mine, too', 'false']
    assert fields(shop, 3, 'name') == ['New']
    assert fields(shop, made['id'], 'name') == ['here']


def test_people_and_projects_of_the_archive_are_found_by_name(archive, put, server):
    text = 'Id,Title,Requested By,Comment\n9001,Hello,darth VADER,"x (Darth Vader - Jan 1, 2020)"\n'
    done = storyfs('import', put('death_star_20200101_1200.csv', text), archive, '--project', '99')
    assert done.returncode == 0, done.stderr
    assert 'person                     1 read       0 new or changed' in done.stdout
    story = server.request('GET', '/stories/9001?fields=requested_by_id,comments').json()
    assert story['requested_by_id'] == story['comments'][0]['person_id'] == 101
    assert story['comments'][0]['id'] == 900100001


def test_a_dump_beside_an_export_adds_what_the_rows_do_not_have(put, tmp_path):
    """What is nested in a dump may be little more than an id."""
    project = {'id': 77, 'name': 'Shop', 'stories': [{'id': 501, 'name': 'a name', 'external_id': 'x9'}]}
    story = {'id': 503, 'name': 'Third', 'project_id': 77, 'labels': ['shop']}
    dump = write_dump(tmp_path / 'dump', {'project': [project], 'story': [story]})
    report = storyfs('import', '--json', dump, put('projects_77_shop_20250401_1200.csv', OLD), tmp_path / 'a.db')
    assert report.returncode == 0, report.stderr
    assert json.loads(report.stdout)['notes'] == [LOSSES]
    db = sqlite3.connect(tmp_path / 'a.db')
    assert db.execute('SELECT name, external_id FROM story WHERE id = 501').fetchall() == [('Open the shop', 'x9')]
    assert db.execute('SELECT count(*) FROM comment WHERE story_id = 501').fetchone() == (2,)
    ids = dict(db.execute('SELECT name, id FROM label'))
    assert db.execute('SELECT label_ids FROM story WHERE id = 503').fetchone() == (f'[{ids["shop"]}]',)
    assert db.execute('SELECT count(*) FROM label').fetchone() == (2,)
    db.close()


def export_all(server, token):
    server.token = token
    return {p['name']: server.request('POST', f'/projects/{p["id"]}/export', body={}).body
            for p in server.request('GET', '/projects').json()}


def test_what_the_server_exports_comes_back(archive, serve, put, run, tmp_path):
    before = serve(archive)
    token = storyfs('user', 'token', archive).stdout.strip()
    before.token = token
    for path, body in [('/comments', {'text': '=1 (me - x)'}), ('/tasks', {'description': 'a, "b"\nc', 'complete': True}),
                       ('/blockers', {'description': '#556'}), ('/tasks', {'description': 'd'})]:
        assert before.request('POST', '/projects/99/stories/555' + path, body=body).status == 200
    rows = export_all(before, token)
    path = put('x.csv', rows['Death Star'])
    assert notes(run('--project', 'Death Star', path, archive='b.db')) == [LOSSES]
    again = export_all(serve(tmp_path / 'b.db'), storyfs('user', 'token', tmp_path / 'b.db').stdout.strip())
    assert again == rows


def test_the_report_is_json_too(put, tmp_path):
    path = put('shop.csv', STRANGE)
    done = storyfs('import', '--json', '--dry-run', path, tmp_path / 'a.db')
    assert 'a dry run: nothing was written' in done.stderr
    report = json.loads(done.stdout)
    assert report['read']['story'] == report['changed']['story'] == 6
    assert f"{path}: line 3, Id: '801' stands in an earlier row already; this row was left out" in report['notes']


def test_the_columns_are_printed():
    lines = storyfs('schema', '--columns').stdout.splitlines()
    assert 'Title            Story       once story.name                 as it is' in lines
    assert 'Task Status      -           each task.complete              completed or not completed' in lines
    assert all(any(re.match(re.escape(title) + '  ', line) for line in lines)
               for title in NEW.splitlines()[0].split(',') if title != 'Mood')


def test_a_zip_with_files(put_zip, run, show, tmp_path):
    path = put_zip('export.zip', [
        ('corner_shop_20250401_1200.csv', OLD), ('501/receipt.txt', 'one pound'), ('501/b/../../../x', 'x'),
        ('90/none', 'x'), ('readme', 'x'), ('/etc/passwd', 'x'), ('C:\\x', 'x'), ('502/', ''), ('502/empty', ''),
        ('__MACOSX/._x', 'x'),
        ('corner_shop_history_20250401_1200.csv', 'Time,Who,What\n"Jan 1, 2025",Ann,"did, that"\n')])
    report = run(path)
    assert notes(report) == [
        f'{path}: corner_shop_history_20250401_1200.csv: 1 rows of history, kept as they are',
        f'{path}: 501/b/../../../x: its name leads out of the ZIP; left out',
        f'{path}: 90/none: there is no such story in the export; left out',
        f'{path}: readme: is no CSV, nor in the folder of a story; left out',
        f'{path}: /etc/passwd: its name is no path within the ZIP; left out',
        f'{path}: C:\\x: its name is no path within the ZIP; left out', LOSSES]
    a = tmp_path / 'a.db'
    files = show() / 'stories'
    assert (files / '501/attachments/receipt.txt').read_text() == 'one pound'
    assert (files / '502/attachments/empty').read_text() == ''
    before = content(a)
    assert 'nothing changed' in run(path)
    assert content(a) == before
    assert 'did, that' in str(before['unknown'])
    put_zip('export.zip', [('corner_shop_20250401_1200.csv', OLD), ('501/receipt.txt', 'two pound')])
    run(path)
    assert (show() / 'stories/501/attachments/receipt.txt').read_text() == 'two pound'


def test_what_holds_files_is_no_comment_of_an_export(put_zip, run, serve, tmp_path):
    run(put_zip('export.zip', [('shop_20250401_1200.csv', OLD), ('501/receipt.txt', 'x'), ('502/a', 'x')]))
    rows = export_all(serve(tmp_path / 'a.db'), storyfs('user', 'token', tmp_path / 'a.db').stdout.strip())['shop']
    assert rows.count(b'Comment') == 2 and b'( - )' not in rows
    assert b'"Good (Ann Lee - Jan 5, 2010)","(yes) (Bo Chen - Jan 6, 2010)"' in rows


def test_a_zip_that_somebody_unpacked(put, put_zip, run, show, tmp_path):
    path = put('shop/corner_shop_20250401_1200.csv', OLD).parent
    put('shop/501/receipt.txt', 'one pound')
    put('shop/501/.hidden', 'x')
    (path / '502').symlink_to('501')
    report = run(f'{path}/')
    assert notes(report) == [f'{path}: 502: it is a link; left out', LOSSES]
    assert (show() / 'stories/501/attachments/receipt.txt').read_text() == 'one pound'
    packed = put_zip('e.zip', [('corner_shop_20250401_1200.csv', OLD), ('501/receipt.txt', 'one pound')])
    assert 'nothing changed' in run(packed)


def test_several_projects_in_one_zip(put_zip, run, show):
    path = put_zip('all.zip', [('projects_77_shop_20250401_1200.csv', OLD), ('kitchen_20250401_1200.csv', MIDDLE),
                               ('post_20250401_1200.csv', NEW)])
    assert counts(run(path))['project'] == (3, 3)
    projects = show().parent
    assert sorted((p / 'name').read_text() for p in projects.iterdir()) == ['kitchen\n', 'post\n', 'shop\n']
    assert (projects / '77/name').read_text() == 'shop\n'


def test_a_file_that_is_no_export(put, tmp_path):
    path = put('b.csv', 'Id,Name\n1,x\n')
    refuse(tmp_path, path, f'{path}: its first line has no column Title (or Story), as exports do')


def test_zips_that_are_no_export(put, put_zip, tmp_path):
    whole = put_zip('whole.zip', [('shop.csv', OLD)])
    path = put('short.zip', whole.read_bytes()[:-30])
    done = storyfs('import', path, tmp_path / 'refused.db')
    assert done.returncode == 1 and f'{path}: the ZIP cannot be read: ' in done.stderr
    path = put_zip('none.zip', [('501/x', 'x')])
    refuse(tmp_path, path, f'{path}: there is no CSV in this ZIP')
    damaged = whole.read_bytes()
    at = damaged.index(b'shop.csv') + len('shop.csv') + 20
    path = put('damaged.zip', damaged[:at] + b'\xff\xff\xff\xff' + damaged[at + 4:])
    done = storyfs('import', path, tmp_path / 'refused.db')
    assert done.returncode == 1 and f'{path}: shop.csv: ' in done.stderr


def test_sizes_and_links_of_a_zip_are_not_believed(tmp_path, run, put):
    link = zipfile.ZipInfo('501/link')
    link.external_attr, link.create_system = (stat.S_IFLNK | 0o777) << 16, 3
    path = tmp_path / 'odd.zip'
    with zipfile.ZipFile(path, 'w') as z:
        z.writestr('shop.csv', OLD)
        z.writestr(link, '/etc/passwd')
        z.writestr('501/large', 'x')
        z.writestr('501/lies', 'four')
    data = bytearray(path.read_bytes())
    for name, size in (b'501/large', 0xfffffff0), (b'501/lies', 2):
        entry = data.rindex(name) - 46
        assert data[entry:entry + 4] == b'PK\x01\x02'
        data[entry + 24:entry + 28] = size.to_bytes(4, 'little')
    path = put('odd2.zip', bytes(data))
    refuse(tmp_path, path, f'{path}: unpacks to {0xfffffff0 + 2 + 11 + len(OLD)} bytes, over 100 times its own size; '
           'refused')
    entry = data.rindex(b'501/large') - 46
    data[entry + 24:entry + 28] = (1).to_bytes(4, 'little')
    path = put('odd2.zip', bytes(data))
    said = notes(run(path))
    assert f'{path}: 501/link: it is a link; left out' in said
    assert [line for line in said if line.startswith(f'{path}: 501/lies: ') and line.endswith('bytes are left out')]


def test_an_export_can_be_written(put, run, show):
    run(put('kitchen_20250401_1200.csv', MIDDLE))
    project = show()
    assert (project.parent.parent / 'by-name/kitchen/stories/601/name').read_text() == 'Buy a stove\n'
    (project / 'stories/601/name').write_text('Buy an oven\n')
    assert (project / 'stories/601/name').read_text() == 'Buy an oven\n'


def test_a_row_of_another_project_names_the_project_to_give(put, run):
    run(put('old_name_20190612_1010.csv', OLD))
    newer = put('new_name_20250401_1200.csv', OLD.replace('Paint it', 'Paint all'))
    report = run(newer)
    found = re.search(r"line 2, Id: '501' is in project (\d+) of the archive; this row was left out; "
                      r'for an export of that project: --project (\d+)$', report, re.M)
    assert found and found[1] == found[2], report
    assert 'left out' not in run('--project', found[2], newer)
