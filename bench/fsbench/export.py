# SPDX-License-Identifier: GPL-2.0-or-later
"""An export as Tracker wrote them, made of a seed: n stories whose every list is full."""
import csv
import datetime
import random

from fsbench.project import sentence, text_of

FIRST_STORY = 170_000_000
FIRST_DAY = datetime.date(2019, 1, 7)
N_PEOPLE, N_LABELS, N_DAYS = 30, 60, 2000
ITERATION_DAYS = 14
OWN = ('Id Title Labels Iteration Iteration_Start Iteration_End Type Estimate Priority Current_State Created_at '
       'Accepted_at Deadline Requested_By Description URL').replace(' ', '|').replace('_', ' ').split('|')
# kind, how many a story has, their columns
LISTS = [
    ('owner', 3, ['Owned By']),
    ('blocker', 3, ['Blocker', 'Blocker Status']),
    ('comment', 8, ['Comment']),
    ('task', 4, ['Task', 'Task Status']),
    ('review', 1, ['Reviewer', 'Review Type', 'Review Status']),
    ('pull_request', 1, ['Pull Request']),
    ('branch', 1, ['Git Branch']),
]
N_REPEATED = sum(n * len(columns) for _, n, columns in LISTS)


def day_text(day):
    return f'{day:%b} {day.day}, {day.year}'


def person(i):
    return f'{("Ada", "Bo", "Chloë", "Dan", "Eve")[i % 5]} {("Lee", "O’Neil", "Chen")[i % 3]} {i % N_PEOPLE}'


class Row:
    """One story."""

    def __init__(self, i, n):
        self.rng, self.i, self.n = random.Random(i), i, n
        self.day = FIRST_DAY + datetime.timedelta(days=self.rng.randrange(N_DAYS))

    def later(self):
        return day_text(self.day + datetime.timedelta(days=self.rng.randrange(60)))

    def own(self):
        rng, i = self.rng, self.i
        is_accepted, kind = i * 10 // self.n < 6, rng.choice(['feature', 'feature', 'bug', 'chore'])
        start = FIRST_DAY + datetime.timedelta(days=(self.day - FIRST_DAY).days // ITERATION_DAYS * ITERATION_DAYS)
        number = (start - FIRST_DAY).days // ITERATION_DAYS + 1
        end = start + datetime.timedelta(days=ITERATION_DAYS - 1)
        labels = ', '.join(f'label {k % N_LABELS:02d}' for k in (2 * i, 2 * i + 1))
        return [FIRST_STORY + i, f'{sentence(rng, 6)} {i}', labels,
                *([number, day_text(start), day_text(end)] if is_accepted else ['', '', '']),
                kind, rng.randint(0, 3) if kind == 'feature' else '', 'p2 - Medium',
                'accepted' if is_accepted else 'unscheduled', day_text(self.day),
                day_text(end) if is_accepted else '', '', person(i), text_of(rng),
                f'https://www.pivotaltracker.com/story/show/{FIRST_STORY + i}']

    def item(self, kind, k):
        """The cells of the kth of a list."""
        rng, i = self.rng, self.i
        if kind == 'owner':
            return [person(i + k)]
        if kind == 'blocker':
            other = FIRST_STORY + (i + 7) % self.n
            return [f'#{other}' if k == 0 else sentence(rng, 5), 'resolved' if k else 'blocked']
        if kind == 'comment':
            return [f'{sentence(rng, rng.randint(3, 40))} ({person(rng.randrange(N_PEOPLE))} - {self.later()})']
        if kind == 'task':
            return [sentence(rng, 6), 'completed' if k % 2 else 'not completed']
        if kind == 'review':
            return [person(i + 1), 'Test (QA)', 'in_review']
        return [f'https://github.com/storyfs/shed/pull/{i}' if kind == 'pull_request' else f'{i}-{sentence(rng, 2)}']

    def cells(self):
        return self.own() + [cell for kind, n, _ in LISTS for k in range(n) for cell in self.item(kind, k)]


def write(path, n):
    """The number of cells that hold something."""
    n_cells = 0
    with open(path, 'w', encoding='utf-8', newline='') as file:
        out = csv.writer(file, lineterminator='\n')
        out.writerow(OWN + [title for _, times, columns in LISTS for title in columns * times])
        for i in range(n):
            cells = Row(i, n).cells()
            n_cells += sum(cell != '' for cell in cells)
            out.writerow(cells)
    return n_cells


def resources(n):
    """What an import reads of it, by kind."""
    return {'story': n, 'label': min(2 * n, N_LABELS), **{kind: n * times for kind, times, _ in LISTS if kind != 'owner'}}
