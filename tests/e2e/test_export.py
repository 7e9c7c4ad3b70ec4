# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs export`: what an archive holds, as Tracker exported it or as a V5 dump, and that an import brings it back."""
import csv
import filecmp
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import zipfile

import pytest

import exports
from conftest import BIN, DEADLINE, ROOT, clean_env, storyfs
from test_clone import PNG, answers, full_archive, ids  # noqa: F401
from test_import import content

YEARS = ['old', 'middle', 'new']
DUMPS = pathlib.Path(os.environ.get('STORYFS_V5_DATA', ROOT.parent / 'shared/data')) / 'dump'


def run(*args):
    done = storyfs(*args, deadline=300)
    assert done.returncode == 0, done.stderr
    return done


def refuse(status, reason, *args):
    done = storyfs('export', *args)
    assert (done.returncode, done.stdout) == (status, ''), done
    assert done.stderr == f'storyfs: export: {reason}\n'


def put_zip(path, files):
    with zipfile.ZipFile(path, 'w') as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


def unzip(path):
    """The entries, with no time in the names of CSVs."""
    with zipfile.ZipFile(path) as z:
        assert z.testzip() is None
        assert len(set(z.namelist())) == len(z.namelist())
        return {re.sub(r'_\d{8}_\d{4}\.csv$', '.csv', name): z.read(name) for name in z.namelist()}


def assert_same_folder(a, b):
    files = sorted(p.relative_to(a) for p in a.rglob('*') if p.is_file())
    assert files == sorted(p.relative_to(b) for p in b.rglob('*') if p.is_file())
    for file in files:
        assert filecmp.cmp(a / file, b / file, shallow=False), file


# ---- an export of an import gives the same rows ----

def make_all(seed, odd=True, n=40):
    """A few exports of each year."""
    files = {}
    for i, year in enumerate(YEARS * 2):
        maker = exports.Maker(seed, year, 10000 * (i + 1), odd)
        files[f'projects_{i + 1}_Year {year} {i}.csv'] = maker.write(maker.rows(n))
    return files


@pytest.mark.parametrize('seed', range(4))
def test_what_was_imported_is_exported(tmp_path, seed):
    files = make_all(seed)
    files['projects_1_Year old 0_history.csv'] = b'When,Who,What,Who\n2,Ann,"b\nc",x\n1,,=1,\n1,,=1,\n'
    files['10001/a.txt'] = b'attached'
    files['10001/..b'] = b''
    files['25001/c.bin'] = os.urandom(300000)
    run('import', put_zip(tmp_path / 'x.zip', files), tmp_path / 'a.db')
    run('export', tmp_path / 'a.db', tmp_path / 'y.zip')
    out = unzip(tmp_path / 'y.zip')
    assert set(out) == set(files) - {'10001/..b'} | {next(n for n in out if n.startswith('10001/') and 'b' in n)}
    for name, data in files.items():
        if 'history' in name:
            rows = list(csv.reader(io.StringIO(out[name].decode(), newline='')))
            assert rows == [['When', 'Who', 'Who', 'What'], ['2', 'Ann', 'x', 'b\nc'], ['1', '', '', "'=1"],
                            ['1', '', '', "'=1"]]
        elif not name.endswith('.csv'):
            assert name == '10001/..b' or out[name] == data
        else:
            assert_says_the_same(data, out[name])
    run('import', tmp_path / 'y.zip', tmp_path / 'b.db')
    run('export', tmp_path / 'b.db', tmp_path / 'z.zip')
    again = unzip(tmp_path / 'z.zip')
    assert again == out
    assert 'nothing changed' in run('import', tmp_path / 'z.zip', tmp_path / 'b.db').stdout


def assert_says_the_same(before, after):
    titles = exports.titles_of(after)
    known = [title for title in titles if title in exports.TITLES]
    assert list(dict.fromkeys(known)) == [t for t in exports.TITLES if t in known]
    assert set(exports.TITLES) - set(known) <= {'Reviewer', 'Review Type', 'Review Status'}
    assert titles[:len(known)] == known
    now = exports.read(after)
    then = exports.complete(exports.read(before), now)
    for a, b in zip(then, now):
        assert a == b
    assert len(then) == len(now)


def test_the_archive_of_an_export_is_the_same_archive(tmp_path):
    """What hangs on stories, to the id; stories and epics tell the same, as seen above."""
    run('import', put_zip(tmp_path / 'x.zip', make_all(9, odd=False)), tmp_path / 'a.db')
    run('export', tmp_path / 'a.db', tmp_path / 'y.zip')
    run('import', tmp_path / 'y.zip', tmp_path / 'b.db')
    a, b = content(tmp_path / 'a.db'), content(tmp_path / 'b.db')
    for table in ('person', 'label', 'review_type', 'comment', 'task', 'blocker', 'review', 'pull_request', 'branch',
                  'file_attachment', 'file_bytes'):
        assert a[table] == b[table], table
    db = [sqlite3.connect(tmp_path / name) for name in ('a.db', 'b.db')]
    for kind in 'story', 'epic', 'project':
        a, b = (list(d.execute(f'SELECT id, name, {"rank" if kind != "project" else "id"} FROM {kind} ORDER BY id')) for d in db)
        assert a == b and a
    a, b = ({(project, key): json.loads(kept) for project, key, kept in d.execute('SELECT project_id, key, json FROM unknown')}
            for d in db)
    assert a == b and a
    for d in db:
        d.close()


# ---- an older and a newer one ----

@pytest.mark.parametrize('year', YEARS)
def test_an_older_and_a_newer_one_are_the_newer_and_what_only_the_older_had(tmp_path, year):
    maker = exports.Maker(5, year, 100, odd=False)
    newer = maker.rows(30)
    older = [change(maker, dict(row)) for row in newer if not maker.chance(.2)]
    older += [maker.story(900 + i) for i in range(3)]
    names = []
    for when, rows in ('2015', older), ('2016', newer):
        names.append(tmp_path / f'shop_{when}0101_1200.csv')
        names[-1].write_bytes(maker.write(rows))
    run('import', names[0], tmp_path / 'both.db')
    report = run('import', names[1], tmp_path / 'both.db').stdout
    assert '3 stories of the archive are not in this export; they stay: 900, 901, 902' in report
    assert 'nothing changed' in run('import', names[1], tmp_path / 'both.db').stdout
    run('import', names[1], tmp_path / 'newer.db')
    both, alone, old = ({row['Id'][0]: row for row in exports.read(data)} for data in (
        run('export', tmp_path / 'both.db').stdout.encode(), run('export', tmp_path / 'newer.db').stdout.encode(),
        names[0].read_bytes()))
    assert set(both) - set(alone) == {'900', '901', '902'}
    for number in '900', '901', '902':
        assert both[number] == exports.complete([old[number]], [both[number]])[0]
    for number, row in alone.items():
        assert_is_kept(old.get(number, {}), row, both[number])


def change(maker, row):
    """As it may have been before."""
    if maker.chance(.5):
        row['Title'] = [maker.text()]
    for title, make in ('Comment', maker.comment), ('Git Branch', maker.text):
        cells = [text for text in row.get(title, []) if not maker.chance(.3)]
        row[title] = cells + maker.some(make, 2) if cells else cells
    return row


LISTS = {title for group in exports.GROUPS for title in group} - {'Owned By'}


def assert_is_kept(old, new, both):
    for title in set(new) | set(both):
        now, then = both.get(title, []), new.get(title, [])
        if title not in LISTS:
            assert now == then or (title not in exports.TITLES and title in old), title
            continue
        assert now[:len(then)] == then, title
        assert all(item in old.get(title, []) for item in now[len(then):]), title
        # What is lost from its place was edited there.
        for i, item in enumerate(old.get(title, [])):
            assert item in now or title not in ('Comment', 'Git Branch') or then[i] not in old[title], title


# ---- dumps ----

def test_a_dump_loses_nothing(full_archive, tmp_path, serve):  # noqa: F811
    report = run('export', full_archive, tmp_path / 'one').stdout
    assert re.search(r'^story +\d+ written$', report, re.M) and 'a dump does not hold: tokens, ' in report
    run('import', tmp_path / 'one', tmp_path / 'b.db')
    run('export', tmp_path / 'b.db', tmp_path / 'two/')
    assert_same_folder(tmp_path / 'one', tmp_path / 'two')
    before, after = serve(shutil.copy(full_archive, tmp_path / 'a.db')), serve(tmp_path / 'b.db')
    projects = ids(before)
    assert ids(after) == projects
    a, b = answers(before, projects), answers(after, projects)
    for key, value in a.items():
        assert b[key] == value, key
    for path in '/my/people?project_id=99', '/accounts', '/my/workspaces', '/projects/99/webhooks':
        assert before.request('GET', path).json() == after.request('GET', path).json(), path
    file, = (tmp_path / 'one/99/files').iterdir()
    assert file.read_bytes() == PNG
    assert after.request('GET', f'/file_attachments/{file.name}/download').body == PNG


def test_a_dump_holds_what_an_import_of_exports_kept(tmp_path):
    files = make_all(3, n=8)
    files['projects_1_Year old 0_history.csv'] = b'When,Who\n2,Ann\n1,\n1,\n'
    files['10001/a.txt'] = b'attached'
    run('import', put_zip(tmp_path / 'x.zip', files), tmp_path / 'a.db')
    run('export', tmp_path / 'a.db', tmp_path / 'dump')
    run('import', tmp_path / 'dump', tmp_path / 'b.db')
    for name in 'a', 'b':
        run('export', tmp_path / f'{name}.db', tmp_path / f'{name}.zip')
        run('export', tmp_path / f'{name}.db', tmp_path / f'{name}.dump', '--format', 'dump')
    assert unzip(tmp_path / 'a.zip') == unzip(tmp_path / 'b.zip')
    assert_same_folder(tmp_path / 'a.dump', tmp_path / 'b.dump')
    a, b = content(tmp_path / 'a.db'), content(tmp_path / 'b.db')
    assert a['unknown'] == b['unknown'] and a['unknown']


def test_what_the_service_sent_comes_back(tmp_path):
    if not DUMPS.is_dir():
        pytest.skip('no data of the service here')
    run('import', *DUMPS.iterdir(), tmp_path / 'a.db')
    run('export', tmp_path / 'a.db', tmp_path / 'one')
    run('import', tmp_path / 'one', tmp_path / 'b.db')
    run('export', tmp_path / 'b.db', tmp_path / 'two')
    assert_same_folder(tmp_path / 'one', tmp_path / 'two')
    run('export', tmp_path / 'a.db', tmp_path / 'a.zip')
    run('import', tmp_path / 'a.zip', tmp_path / 'c.db')
    run('export', tmp_path / 'c.db', tmp_path / 'c.zip')
    for (name, before), after in zip(unzip(tmp_path / 'a.zip').items(), unzip(tmp_path / 'c.zip').values()):
        if name.endswith('.csv'):
            assert_says_the_same(before, after)


def test_a_dump_of_some_projects_has_their_people(full_archive, tmp_path):  # noqa: F811
    run('export', full_archive, tmp_path / 'd', '--project', 'Death Star')
    assert sorted(p.name for p in (tmp_path / 'd').iterdir()) == ['99', 'people']
    people = json.loads((tmp_path / 'd/people/person.json').read_text())
    assert {p['id'] for p in people} == {100, 101}
    assert not (tmp_path / 'd/people/account.json').exists()
    story = json.loads((tmp_path / 'd/99/story.json').read_text())[0]
    assert story['kind'] == 'story' and story['labels'] is not None and 'rank' not in story


def test_an_import_of_people_and_a_project_alone(full_archive, tmp_path, serve):  # noqa: F811
    run('export', full_archive, tmp_path / 'd', '--project', '99')
    run('import', tmp_path / 'd/99', tmp_path / 'd/people', tmp_path / 'b.db')
    assert ids(serve(tmp_path / 'b.db')) == [99]


# ---- what a CSV has no place for ----

def tell(server, project):
    """What a CSV tells of a project, by V5."""
    shown = ':default,labels(name),owners(name),requested_by(name),tasks(description,complete),blockers(description,resolved),' \
        'comments(text,person(name),created_at),reviews(review_type(name),reviewer(name),status),' \
        'pull_requests(original_url),branches(name)'
    found = []
    for story in server.request('GET', f'/projects/{project}/stories?limit=100&fields={shown}').json():
        told = {key: story.get(key) for key in (
            'id', 'name', 'description', 'story_type', 'current_state', 'estimate', 'story_priority', 'url')}
        for key in 'created_at', 'accepted_at', 'deadline':
            told[key] = story.get(key, '')[:10]
        told['labels'] = [label['name'] for label in story['labels']]
        told['people'] = [story.get('requested_by', {}).get('name'), *(p['name'] for p in story['owners'])]
        told['comments'] = [(c['text'], c.get('person', {}).get('name'), c['created_at'][:10]) for c in story['comments']
                            if 'person' in c]
        for key in 'tasks', 'blockers', 'pull_requests', 'branches':
            told[key] = [{k: v for k, v in item.items() if k in ('description', 'complete', 'resolved', 'original_url', 'name')}
                         for item in story[key]]
        told['reviews'] = [(r['review_type']['name'], r['reviewer']['name'], r['status']) for r in story['reviews']]
        found.append(told)
    return found


def test_a_zip_tells_what_tracker_told(full_archive, tmp_path, serve):  # noqa: F811
    before = serve(shutil.copy(full_archive, tmp_path / 'a.db'))
    run('export', tmp_path / 'a.db', tmp_path / 'a.zip')
    run('import', tmp_path / 'a.zip', tmp_path / 'b.db', '--owner', 'Emperor Palpatine')
    after = serve(tmp_path / 'b.db')
    assert ids(after) == ids(before)
    for project in ids(before):
        assert tell(after, project) == tell(before, project)
        a, b = ([(e['id'], e['name'], e['label']['name']) for e in s.request('GET', f'/projects/{project}/epics').json()]
                for s in (before, after))
        assert a == b
    assert [data for name, data in unzip(tmp_path / 'a.zip').items() if name == '555/plan.bin'] == [PNG]


def test_what_comes_back_to_its_own_archive_changes_nothing(full_archive, tmp_path, serve):  # noqa: F811
    a = tmp_path / 'a.db'
    server = serve(shutil.copy(full_archive, a))
    zone = {'olson_name': 'America/Denver'}
    assert server.request('PUT', '/me', {'time_zone': zone}).status == 200
    assert server.request('POST', '/projects/99/webhooks', {'webhook_url': 'https://example.com/x'}).status == 200
    run('export', a, tmp_path / 'd')
    run('export', a, tmp_path / 'a.zip')
    before = content(a)
    run('import', tmp_path / 'd', a)
    after = content(a)
    # Places in an order are told by the order alone.
    for table in set(before) - {'story', 'epic'}:
        assert after[table] == before[table], table
    run('export', a, tmp_path / 'e')
    assert_same_folder(tmp_path / 'd', tmp_path / 'e')
    assert 'nothing changed' in run('import', tmp_path / 'd', a).stdout
    assert 'nothing changed' in run('import', tmp_path / 'a.zip', a).stdout
    assert server.request('GET', '/me').json()['time_zone']['olson_name'] == 'America/Denver'


def live(server, seed):
    """A random life of the project 99."""
    rand = random.Random(seed)
    words = [word for word in exports.WORDS if '\r' not in word] + ['(Ann - Jan 5, 2010)', '#556', ' x']

    def text():
        return ' '.join(rand.choices(words, k=rand.randint(1, 4))) + f' {rand.randrange(99)}'

    def post(path, body, method='POST'):
        answer = server.request(method, '/projects/99' + path, body)
        assert answer.status in (200, 204), (path, body, answer.body)
        return answer.json() if answer.status == 200 else None

    kind = post('/review_types', {'name': 'Taste'})['id']
    stories = [555, 556]
    for _ in range(60):
        story = rand.choice(stories)
        path = f'/stories/{story}'
        made = rand.randrange(12)
        if made < 3:
            body = {'name': text(), 'description': text(), 'story_type': rand.choice(['bug', 'feature', 'chore']),
                    'labels': rand.sample(['a', 'b c', 'Ü'], rand.randint(0, 3)), 'owner_ids': rand.sample([100, 101], rand.randint(0, 2))}
            stories.append(post('/stories', {**body, rand.choice(['before_id', 'after_id']): story})['id'])
        elif made < 5:
            post(path + '/tasks', {'description': text(), 'complete': rand.random() < .5})
        elif made < 7:
            post(path + '/comments', {'text': text()})
        elif made == 7:
            post(path + '/blockers', {'description': text(), 'resolved': rand.random() < .5})
        elif made == 8:
            post(path + '/branches', {'name': f'branch-{rand.randrange(99)}'})
        elif made == 9:
            post(path + '/reviews', {'review_type_id': kind, 'reviewer_id': rand.choice([100, 101])})
        elif made == 10:
            epic = post('/epics', {'name': text(), 'label': {'name': f'epic {rand.randrange(10**6)}'}})['id']
            post(f'/epics/{epic}/comments', {'text': text()})
        elif len(stories) > 3:
            stories.remove(story)
            post(path, None, 'DELETE')


@pytest.mark.parametrize('seed', range(3))
def test_whatever_was_done_in_an_archive_comes_back(archive, tmp_path, serve, seed):
    before = serve(archive)
    live(before, seed)
    run('export', archive, tmp_path / 'd')
    run('import', tmp_path / 'd', tmp_path / 'b.db')
    after = serve(tmp_path / 'b.db')
    assert answers(after, [99]) == answers(before, [99])
    run('export', tmp_path / 'b.db', tmp_path / 'e')
    assert_same_folder(tmp_path / 'd', tmp_path / 'e')
    run('export', archive, tmp_path / 'a.zip')
    run('import', tmp_path / 'a.zip', tmp_path / 'c.db', '--owner', 'Emperor Palpatine')
    assert tell(serve(tmp_path / 'c.db'), 99) == tell(before, 99)
    run('export', tmp_path / 'c.db', tmp_path / 'c.zip')
    assert unzip(tmp_path / 'a.zip') == unzip(tmp_path / 'c.zip')


# ---- files and what is there ----

def test_python_reads_the_csv(full_archive, tmp_path):  # noqa: F811
    printed = run('export', full_archive, '--project', '99').stdout
    run('export', full_archive, tmp_path / 'star.csv', '--project', 'Death Star')
    assert (tmp_path / 'star.csv').read_bytes() == printed.encode()
    rows = list(csv.DictReader(io.StringIO(printed, newline='')))
    assert rows[-1]['Type'] == 'epic' and rows[-1]['Title'] == 'Moon'
    story = next(row for row in rows if row['Id'] == '555')
    assert story['Title'] == 'Bring me the passengers' and story['Owned By'] == 'Darth Vader'


def test_what_is_there_is_not_overwritten(archive, tmp_path):
    mine = tmp_path / 'mine.csv'
    mine.write_text('mine')
    refuse(1, f'{mine}: is there already; --force replaces it', archive, mine)
    assert mine.read_text() == 'mine'
    run('export', archive, mine, '--force')
    assert mine.read_text().startswith('Id,Title,')
    run('export', archive, tmp_path / 'd')
    refuse(1, f'{tmp_path}/d: is there already; --force replaces it', archive, f'{tmp_path}/d/')
    (tmp_path / 'd/99/story.json').unlink()
    run('export', archive, tmp_path / 'd', '--force')
    assert (tmp_path / 'd/99/story.json').exists()
    (tmp_path / 'photos/2024').mkdir(parents=True)
    (tmp_path / 'photos/2024/us.jpg').write_text('mine')
    refuse(1, f'{tmp_path}/photos: is a folder with more than a dump in it; it is not replaced', archive, tmp_path / 'photos',
           '--force')
    (tmp_path / 'd/diary').write_text('mine')
    refuse(1, f'{tmp_path}/d: is a folder with more than a dump in it; it is not replaced', archive, tmp_path / 'd', '--force')
    refuse(1, f'{tmp_path}/d: is a folder', archive, tmp_path / 'd', '--force', '--format', 'zip')
    refuse(1, f'{mine}: is no such file or folder as would be put there; it is not replaced', archive, mine, '--force',
           '--format', 'dump')
    (tmp_path / 'link.csv').symlink_to('mine.csv')
    refuse(1, f'{tmp_path}/link.csv: is no such file or folder as would be put there; it is not replaced', archive,
           tmp_path / 'link.csv', '--force')
    assert not list(tmp_path.glob('*.part'))


def test_what_a_killed_one_left_is_in_nobodys_way(archive, tmp_path):
    (tmp_path / 'x.csv.part/work').mkdir(parents=True)
    (tmp_path / 'x.csv.part/work/whole').write_text('half')
    (tmp_path / 'x.csv.part/mine').write_text('mine')
    run('export', archive, tmp_path / 'x.csv')
    assert [p.name for p in (tmp_path / 'x.csv.part').iterdir()] == ['mine']
    with open(tmp_path / 'lock', 'w') as _:
        (tmp_path / 'y.csv.part').mkdir()
        with subprocess.Popen(['flock', tmp_path / 'y.csv.part', 'cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdin.write(b'x')
            holder.stdin.flush()
            assert holder.stdout.read(1) == b'x'
            refuse(1, f'{tmp_path}/y.csv.part: another storyfs is at work there', archive, tmp_path / 'y.csv')
            holder.stdin.close()
            holder.wait(timeout=DEADLINE)
    run('export', archive, tmp_path / 'y.csv')
    assert not (tmp_path / 'y.csv.part').exists()


def test_calls_that_are_wrong(archive, full_archive, tmp_path):  # noqa: F811
    csv_alone = 'only a CSV can go to standard output: name a TARGET'
    refuse(2, '--format is csv, zip or dump', archive, '--format', 'xml')
    refuse(2, 'TARGET ends neither with .csv nor .zip: say --format csv, zip or dump', archive, tmp_path / 'a.json')
    refuse(2, csv_alone, archive, '--format', 'zip')
    refuse(2, csv_alone, archive, '-', '--format', 'dump')
    refuse(2, '--json needs standard output for itself: name a TARGET', archive, '--json')
    refuse(2, 'this is a URL: `storyfs clone` copies it into an archive first', 'https://localhost/services/v5')
    refuse(1, "the archive has no project 'Mars'; there are: Death Star (99)", archive, '--project', 'Mars')
    refuse(1, 'a CSV is of one project, and these are 2: give the name of one with --project, or export a ZIP or a dump',
           full_archive)
    refuse(1, f'{tmp_path}/no/x.csv.part: No such file or directory', archive, tmp_path / 'no/x.csv')
    done = storyfs('export', tmp_path / 'none.db', tmp_path / 'x.csv')
    assert done.returncode == 1 and 'none.db' in done.stderr and not (tmp_path / 'none.db').exists()
    assert not list(tmp_path.glob('x.csv*'))


def test_the_report_is_json_too(archive, tmp_path):
    report = json.loads(run('export', archive, tmp_path / 'd', '--json').stdout)
    assert report['written']['story'] == 2 and report['unknown'] == 0
    assert [note for note in report['notes'] if note.startswith('a dump does not hold: ')]
    report = json.loads(run('export', archive, tmp_path / 'a.zip', '--json').stdout)
    assert report['written'] == {'story': 2} and report['notes'] == []


def test_a_disk_that_is_full(archive, tmp_path):
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([BIN, 'export', archive], stdout=full, stderr=subprocess.PIPE, text=True, env=clean_env(),
                              timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (1, 'storyfs: export: standard output: No space left on device\n')
    refuse(1, '/dev/full: No space left on device', archive, '/dev/full', '--format', 'csv')


@pytest.mark.parametrize('name', ['x.csv', 'x.zip', 'x'])
def test_nothing_half_is_left_on_a_full_disk(disk, full_archive, name):  # noqa: F811
    disk.fill()
    done = storyfs('export', full_archive, disk.folder / name, '--project', '99', within=disk.within)
    assert done.returncode == 1 and done.stderr.endswith(': No space left on device\n'), done.stderr
    assert [p.name for p in disk.seen().iterdir()] == ['filler']
    disk.make_room()
    assert storyfs('export', full_archive, disk.folder / name, '--project', '99', within=disk.within).returncode == 0


def test_a_signal_takes_what_is_half_with_it(archive, tmp_path, serve):
    server = serve(archive)
    for i in range(300):
        assert server.request('POST', '/projects/99/stories', {'name': f'{i}', 'description': 'long ' * 4000}).status == 200
    with subprocess.Popen([BIN, 'export', archive, tmp_path / 'x.zip'], env=clean_env()) as process:
        end = time.monotonic() + DEADLINE
        while not (tmp_path / 'x.zip.part/work').exists():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=DEADLINE) == -signal.SIGINT
    assert not list(tmp_path.glob('x.zip*'))


def test_a_pipe_is_written_to(archive, tmp_path):
    fifo = tmp_path / 'pipe'
    os.mkfifo(fifo)
    with subprocess.Popen([BIN, 'export', archive, fifo, '--format', 'csv'], env=clean_env()) as process:
        with open(fifo, 'rb') as reader:
            assert reader.read().startswith(b'Id,Title,')
        assert process.wait(timeout=DEADLINE) == 0


def test_several_files_of_one_name(tmp_path, serve, archive):
    server = serve(archive)
    for text in b'one', b'two':
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + text + b'\r\n--x--\r\n'
        file = server.request('POST', '/projects/99/uploads', body, {'Content-Type': 'multipart/form-data; boundary=x'}).json()
        assert server.request('POST', '/projects/99/stories/555/comments', {'text': 'see', 'file_attachments': [file]}).status == 200
    run('export', archive, tmp_path / 'a.zip')
    assert {k: v for k, v in unzip(tmp_path / 'a.zip').items() if k.endswith('.txt')} == {'555/a.txt': b'one', '2/555/a.txt': b'two'}
    run('import', tmp_path / 'a.zip', tmp_path / 'b.db')
    run('export', tmp_path / 'b.db', tmp_path / 'b.zip')
    assert sorted(v for k, v in unzip(tmp_path / 'b.zip').items() if k.endswith('.txt')) == [b'one', b'two']
