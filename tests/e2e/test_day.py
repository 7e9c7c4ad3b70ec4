# SPDX-License-Identifier: GPL-2.0-or-later
"""A day's work on a story, by files, on a mount over HTTP: made, estimated, started, its tasks ticked,
talked about, illustrated, labelled, moved, delivered, rejected, accepted, deleted. By a shell, by vim
and nano in a terminal, by Python. After each step the server is asked, not the mount; at the end each
write reached it once, and there was no other.
"""
import contextlib
import os
import pathlib
import shutil
import time

import pytest

import conftest
import mounted
import terminal

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
DEADLINE = 30
NOTES = b'The hangar, seen from above\n'


class Day:
    """A mount, its server, and what the server knows of the one story that is new in it."""

    def __init__(self, server, mount, tmp):
        self.server, self.mount, self.folder = server, mount, mount / P
        self.notes = tmp / 'notes.txt'
        self.notes.write_bytes(NOTES)
        self.before = self.ids()
        self.id = None

    def get(self, path):
        answer = self.server.request('GET', f'/{P}{path}')
        assert answer.status == 200, answer.body
        return answer.json()

    def ids(self):
        return [s['id'] for s in self.get('/stories')]

    def until(self, what):
        """What is not so yet is waited for: a person's keys are on their way."""
        end = time.monotonic() + DEADLINE
        while not (answer := what()):
            assert time.monotonic() < end, (self.get(f'/stories/{self.id}') if self.id else self.ids())
            time.sleep(0.02)
        return answer

    def is_made(self, name):
        self.id, = self.until(lambda: [i for i in self.ids() if i not in self.before])
        assert self.story()['name'] == name and self.story()['current_state'] == 'unscheduled'

    def story(self):
        return self.get(f'/stories/{self.id}')

    def has(self, **values):
        self.until(lambda: all(self.story().get(k) == v for k, v in values.items()))

    def has_tasks(self, *tasks):
        self.until(lambda: [(t['description'], t['complete'])
                            for t in self.get(f'/stories/{self.id}/tasks')] == list(tasks))

    def has_comments(self, *texts):
        self.until(lambda: [c.get('text', '') for c in self.get(f'/stories/{self.id}/comments')] ==
                   list(texts))

    def has_file(self):
        def files():
            comments = self.get(f'/stories/{self.id}/comments?fields=file_attachments')
            return [f for c in comments for f in c['file_attachments']]
        file, = self.until(files)
        assert (file['filename'], file['size']) == ('notes.txt', len(NOTES))
        assert self.server.request('GET', file['download_url'].removeprefix('/services/v5')).body == NOTES

    def has_labels(self, *names):
        self.until(lambda: sorted(label['name'] for label in self.story()['labels']) == sorted(names))

    def is_first_of_the_backlog(self):
        self.until(lambda: self.ids().index(self.id) < self.ids().index(self.other))

    def is_gone(self):
        self.until(lambda: self.id not in self.ids())

    def writes(self):
        """[(method, path below the story)]"""
        story = f'/services/v5/{P}/stories/{self.id}'
        return [(r['method'], r['path'].removeprefix(story).removeprefix(f'/services/v5/{P}'))
                for r in self.server.log() if r['method'] not in ('GET', 'HEAD')][self.n_own:]


@pytest.fixture
def day(archive, serve, tmp_path):
    server = serve(archive, log=tmp_path / 'requests.log')
    # So slow a team that what comes next is in the backlog, where one is already.
    assert server.request('PUT', f'/{P}', {'initial_velocity': 1}).status == 200
    other = server.request('POST', f'/{P}/stories', {
        'name': 'Later', 'estimate': 2, 'current_state': 'unstarted'}).json()['id']
    mounts = mounted.Mounts(tmp_path)
    day = Day(server, mounts(server.url, token=server.token), tmp_path)
    day.n_own, day.other = 2, other
    yield day
    mounts.finish()


def test_by_a_shell(day):
    title = 'Paint the hangar'

    def sh(command):
        done = day.mount.run(f'cd {P} && S="stories/{day.id or title}" && {command}')
        assert done.returncode == 0, done.stderr

    sh(f'mkdir "stories/{title}"')
    day.is_made(title)
    sh('echo 2 > $S/estimate && cat $S/estimate')
    day.has(estimate=2)
    sh('printf "sand\\npaint\\n" > $S/tasks/new && echo dry >> $S/tasks/new')
    day.has_tasks(('sand', False), ('paint', False), ('dry', False))
    sh('for t in $(grep -l -e sand -e dry $S/tasks/*/description); do echo true > ${t%description}complete; done')
    day.has_tasks(('sand', True), ('paint', False), ('dry', True))
    sh('echo "Which colour?" > $S/comments/new')
    day.has_comments('Which colour?')
    sh(f'cp {day.notes} $S/attachments/')
    day.has_file()
    sh('echo urgent >> $S/labels')
    day.has_labels('urgent')
    sh(f'echo unstarted > $S/current_state && mv panels/backlog/*-{day.id}-* panels/backlog/1-x')
    day.is_first_of_the_backlog()
    sh('echo started > $S/current_state')
    day.has(current_state='started')
    sh(f'mv by-state/started/*-{day.id}-* by-state/finished/ && echo delivered > $S/current_state')
    day.has(current_state='delivered')
    sh('echo rejected > $S/current_state')
    day.has(current_state='rejected')
    sh('echo started > $S/current_state; echo finished > $S/current_state; '
       'echo delivered > $S/current_state; echo accepted > $S/current_state')
    day.has(current_state='accepted')
    tasks = [t['id'] for t in day.get(f'/stories/{day.id}/tasks')]
    sh('rmdir $S')
    day.is_gone()
    field, state = ('PUT', ''), [('PUT', '')]
    assert day.writes() == [
        ('POST', '/stories'), field, *[('POST', '/tasks')] * 3, ('PUT', f'/tasks/{tasks[0]}'),
        ('PUT', f'/tasks/{tasks[2]}'), ('POST', '/comments'), ('POST', '/uploads'), ('POST', '/comments'),
        field, *state * 2, *state, *state * 2, *state, *state * 4, ('DELETE', '')]


def test_by_python(day):
    story = day.folder / 'stories' / 'Polish the deck'

    def state(word):
        (story / 'current_state').write_text(word + '\n')

    story.mkdir()
    day.is_made('Polish the deck')
    (story / 'estimate').write_text('1')
    day.has(estimate=1)
    with open(story / 'tasks/new', 'w', encoding='utf-8') as f:
        print('sweep', 'wax', sep='\n', file=f)
    day.has_tasks(('sweep', False), ('wax', False))
    for task in (story / 'tasks').iterdir():
        if task.name != 'new' and (task / 'description').read_text() == 'wax\n':
            (task / 'complete').write_text('true\n')
    day.has_tasks(('sweep', False), ('wax', True))
    (story / 'comments/new').write_text('Not on Sundays\n')
    day.has_comments('Not on Sundays')
    shutil.copy(day.notes, story / 'attachments')
    day.has_file()
    with open(story / 'labels', 'a', encoding='utf-8') as f:
        f.write('shiny\n')
    day.has_labels('shiny')
    state('unstarted')
    backlog = day.folder / 'panels/backlog'
    link, = [p for p in backlog.iterdir() if f'-{day.id}-' in p.name]
    link.rename(backlog / '1-x')
    day.is_first_of_the_backlog()
    for word in ('started', 'delivered', 'rejected', 'accepted'):
        state(word)
        day.has(current_state=word)
    wax = day.get(f'/stories/{day.id}/tasks')[1]['id']
    story.rmdir()
    day.is_gone()
    field = ('PUT', '')
    assert day.writes() == [
        ('POST', '/stories'), field, *[('POST', '/tasks')] * 2, ('PUT', f'/tasks/{wax}'), ('POST', '/comments'),
        ('POST', '/uploads'), ('POST', '/comments'), *[field] * 7, ('DELETE', '')]


class Desk:
    """A shell in a terminal, in the project's directory, and the editors in it."""

    def __init__(self, folder, home):
        env = {**conftest.clean_env(), 'HOME': str(home), 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', 'PS1': 'ready$ ',
               'PATH': os.environ['PATH']}
        (home / '.nanorc').touch()
        (home / '.vimrc').touch()
        self.screen = terminal.Screen(folder, env)
        self.n = 0
        self.sh('true')

    def sh(self, command):
        """Until it has ended, well; what it did is looked at by whoever asks."""
        self.n += 1
        self.screen.type(f'clear; {command} && echo done-$(({self.n} + 1000))', 'Enter')
        self.screen.wait_for(f'done-{self.n + 1000}')

    def vim(self, path, *keys):
        """Keys and commands (`:...`), and written."""
        self.n += 1
        self.screen.type(f'clear; vim {path} && echo done-$(({self.n} + 1000))', 'Enter')
        self.screen.wait_for(pathlib.Path(path).name)
        for key in keys:
            self.screen.type(*([key, 'Enter'] if key.startswith(':') else [key]))
        self.screen.type('Escape', ':wq', 'Enter')
        self.screen.wait_for(f'done-{self.n + 1000}')

    def nano(self, path, *keys):
        self.n += 1
        self.screen.type(f'clear; nano {path} && echo done-$(({self.n} + 1000))', 'Enter')
        self.screen.wait_for('GNU nano')
        self.screen.type(*keys)
        self.screen.type('C-o')
        self.screen.wait_for('File Name to Write')
        self.screen.type('Enter')
        self.screen.wait_for('Wrote')
        self.screen.type('C-x')
        self.screen.wait_for(f'done-{self.n + 1000}')


@pytest.mark.skipif(not all(map(shutil.which, ('tmux', 'vim', 'nano'))), reason='no tmux, vim or nano')
def test_by_vim_and_nano_in_a_terminal(day, tmp_path):
    home = tmp_path / 'home'
    home.mkdir()
    desk = Desk(day.folder, home)
    with contextlib.closing(desk.screen):
        desk.vim('markdown/moat.md', 'i# Dig the moat', 'Enter', 'Enter', 'Deep.')
        day.is_made('Dig the moat')
        assert day.story()['description'] == 'Deep.'
        document, story = f'markdown/{day.id}.md', f'stories/{day.id}'
        desk.vim(document, ':%s/^estimate:.*/estimate: 3/')
        day.has(estimate=3)
        desk.vim(document, ':/^## Tasks', 'o', 'Enter', '- [ ] measure', 'Enter', '- [ ] dig')
        day.has_tasks(('measure', False), ('dig', False))
        desk.vim(document, ':%s/\\[ \\] measure/[x] measure/')
        day.has_tasks(('measure', True), ('dig', False))
        desk.nano(f'{story}/comments/new', 'How deep?')
        day.has_comments('How deep?')
        desk.vim(document, 'G', 'o', 'Enter', 'Deeper.')
        day.has_comments('How deep?', 'Deeper.')
        desk.sh(f'cp {day.notes} {story}/attachments/')
        day.has_file()
        desk.nano(f'{story}/labels', 'wet')
        day.has_labels('wet')
        desk.nano(f'{story}/current_state', 'C-k', 'unstarted')
        day.has(current_state='unstarted')
        desk.sh(f'mv panels/backlog/*-{day.id}-* panels/backlog/1-x')
        day.is_first_of_the_backlog()
        desk.vim(document, ':%s/^current_state:.*/current_state: started/')
        day.has(current_state='started')
        desk.vim(f'{story}/current_state', ':%s/.*/delivered/')
        day.has(current_state='delivered')
        desk.nano(f'{story}/current_state', 'C-k', 'rejected')
        day.has(current_state='rejected')
        desk.vim(document, ':%s/^current_state:.*/current_state: accepted/')
        day.has(current_state='accepted')
        measure = day.get(f'/stories/{day.id}/tasks')[0]['id']
        desk.sh(f'rmdir {story}')
        day.is_gone()
    field = ('PUT', '')
    assert day.writes() == [
        ('POST', '/stories'), field, *[('POST', '/tasks')] * 2, ('PUT', f'/tasks/{measure}'),
        *[('POST', '/comments')] * 2, ('POST', '/uploads'), ('POST', '/comments'), *[field] * 7, ('DELETE', '')]
