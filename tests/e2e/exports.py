# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports as Tracker's were in each of its years: random ones, with what is odd in them, and what they say.

`read` makes of a CSV what it says, whatever its year: rows as {title: [cells]}, with the words of the last year. What
two CSVs may differ in and still say the same is listed there and nowhere else."""
import csv
import datetime
import io
import random
import re

# What titles were before.
OLD_TITLES = {'Story': 'Title', 'Story Type': 'Type', 'Note': 'Comment'}
ONCE = ['Id', 'Title', 'Labels', 'Iteration', 'Iteration Start', 'Iteration End', 'Type', 'Estimate', 'Priority',
        'Current State', 'Created at', 'Accepted at', 'Deadline', 'Requested By', 'Description', 'URL']
# Lists: the titles that alternate, and what the last of them says when it says nothing.
GROUPS = {('Owned By',): None, ('Blocker', 'Blocker Status'): 'blocked', ('Comment',): None,
          ('Task', 'Task Status'): 'not completed', ('Reviewer', 'Review Type', 'Review Status'): 'unstarted',
          ('Pull Request',): None, ('Git Branch',): None}
TITLES = ONCE + [title for group in GROUPS for title in group]
TEXTS = {'Title', 'Description', 'Comment', 'Blocker', 'Task'}
DAYS = {'Created at', 'Accepted at', 'Deadline'}
NAMES = {'Requested By', 'Owned By', 'Reviewer'}
FOR_EPICS = {'Comment', 'Pull Request', 'Git Branch'}
DAY_FORMS = ['%b %d, %Y', '%B %d, %Y', '%Y-%m-%d', '%m/%d/%Y']
SAID = re.compile(r'(.*?) ?\((.*) - ([^()]*)\)\s*', re.S)


# ---- what a CSV says ----

def day(text):
    for form in DAY_FORMS:
        try:
            return datetime.datetime.strptime(text.strip(), form).date().isoformat()
        except ValueError:
            pass
    return text.strip()


def unguard(text):
    return text[1:] if re.match("'+=", text) else text


def comment(text):
    """The last parenthesis tells who and when, and may have others in it."""
    trimmed = text.rstrip()
    depth, at = 0, len(trimmed)
    while at and trimmed.endswith(')'):
        at -= 1
        depth += (trimmed[at] == ')') - (trimmed[at] == '(')
        if not depth:
            break
    who, dash, when = trimmed[at + 1:-1].rpartition(' - ')
    if not dash or day(when) == when.strip() and not re.fullmatch(r'\d{4}-\d\d-\d\d', when.strip()):
        return text
    before = trimmed[:at]
    return (before[:-1] if before.endswith(' ') else before), who.strip().casefold(), day(when)


def cell(title, text, is_epic):
    """Guards go, lines end with \\n, blanks alone are nothing, what is one line has none at its ends; days and numbers
    are the same however they are written, and people in whatever case."""
    text = unguard(text).replace('\r\n', '\n')
    if not text.strip(' \t\r\n'):
        return ''
    if title == 'Comment':
        return comment(text)
    if title in TEXTS or title not in TITLES:
        return text
    text = text.strip()
    if title in DAYS:
        return day(text)
    if title in NAMES:
        return text.casefold()
    if title == 'Estimate' and re.fullmatch(r'-?[\d.]+', text):
        return '' if float(text) == -1 and not is_epic else float(text)
    if title == 'Priority' and re.match(r'p\d - ', text):
        return text.split()[0]
    if title in ('Type', 'Current State'):
        return text.casefold()
    return text


def trim(cells):
    while cells and cells[-1] == '':
        cells.pop()
    return cells


def say_lists(row, is_epic):
    """Gaps in a list close, and a status that is none is the usual one."""
    for group, usual in GROUPS.items():
        if is_epic and not FOR_EPICS & set(group):
            continue
        width = max((len(row.get(title, [])) for title in group), default=0)
        items = [[(row.get(title, []) + [''] * width)[i] for title in group] for i in range(width)]
        items = [item for item in items if any(item)]
        for item in items:
            item[-1] = item[-1] or usual or ''
        if group == ('Owned By',):
            items = [list(item) for item in dict.fromkeys(map(tuple, items))]
        for i, title in enumerate(group):
            row[title] = [item[i] for item in items]


def say_labels(row, is_epic):
    """A story's are in any order; of an epic's, all but the first are kept in a column more."""
    labels = [name.strip() for text in row.get('Labels', []) for name in text.split(',') if name.strip()]
    row['Labels'] = labels if is_epic else sorted(set(labels))


def say(row):
    """Iterations are computed here, and a type and a state are given where there is none."""
    is_epic = row.get('Type', [''])[0].strip().casefold() == 'epic'
    row = {title: [cell(title, text, is_epic) for text in cells] for title, cells in row.items()}
    for title in 'Iteration', 'Iteration Start', 'Iteration End':
        row.pop(title, None)
    say_lists(row, is_epic)
    say_labels(row, is_epic)
    if not is_epic:
        for title, usual in ('Type', 'feature'), ('Current State', 'unscheduled'):
            cells = row.setdefault(title, [''])
            cells[0] = cells[0] or usual
    return {title: cells for title, cells in sorted(row.items()) if trim(cells)}


def titles_of(data):
    return next(csv.reader(io.StringIO(data.decode('utf-8-sig'), newline='')))


def rows_of(data):
    """Each row as {title: [cells]}, as they stand there."""
    titles, *rows = csv.reader(io.StringIO(data.decode('utf-8-sig'), newline=''))
    known = {title.casefold(): title for title in TITLES}
    known.update({old.casefold(): title for old, title in OLD_TITLES.items()})
    titles = [known.get(' '.join(title.split()).casefold(), unguard(title)) for title in titles]
    for cells in rows:
        row = {}
        for title, text in zip(titles, cells + [''] * (len(titles) - len(cells))):
            row.setdefault(title, []).append(text)
        yield row


def read(data):
    """Stories in their order, then epics in theirs; those without an id are known by their titles."""
    rows = [say(row) for row in rows_of(data)]
    is_epic = [row['Type'] == ['epic'] for row in rows]
    rows = [row for row, epic in zip(rows, is_epic) if not epic] + [row for row, epic in zip(rows, is_epic) if epic]
    return rows


def complete(before, after):
    """What an import gives to what has none: an id, and the day on which what is accepted was."""
    for row, now in zip(before, after):
        if 'Id' not in row:
            row['Id'] = now['Id']
        accepted = row['Current State'] == ['accepted'] if 'Current State' in row else False
        if accepted and not re.fullmatch(r'\d{4}-\d\d-\d\d', row.get('Accepted at', [''])[0]):
            row['Accepted at'] = now['Accepted at']
    return before


# ---- random ones ----

WORDS = ['stove', 'Käse', 'mice & men', 'a "quoted" word', 'one, two', 'two\nlines', 'crlf\r\nline', '=1+1', "'=x", "''=",
         '-1', '(a) (b - c)', '雪だるま', '\U0001f600', '@here', 'tab\there', '<b>', "it's", '#701', 'x' * 300]
PEOPLE = ['Ann Lee', 'Bo (QA) Chen', 'cy DEE', 'Zoë - Ø', 'O\'Hara']
LABELS = ['shop', 'first', 'kitchen', 'big one', 'übel']
UNKNOWN = ['Mood', 'Mood', 'My, column', '', '=sum', 'A title that goes on and on, longer than anybody wants to read it '
           'in a table, to be sure']


class Maker:
    """Random exports of a year: 'old' (2010), 'middle' (2015) or 'new' (2025). odd: also what nobody can read."""

    def __init__(self, seed, year, base, odd=True):
        self.random = random.Random(f'{seed} {year} {base}')
        self.year, self.base, self.odd = year, base, odd
        self.n = 0

    def chance(self, part):
        return self.random.random() < part

    def text(self, n=3):
        self.n += 1
        words = [self.random.choice(WORDS) for _ in range(self.random.randint(1, n))]
        return f'{" ".join(words)} {self.n}'

    def day(self):
        when = datetime.date(2009, 1, 1) + datetime.timedelta(self.random.randrange(5000))
        text = when.strftime(self.random.choice(DAY_FORMS[:1] * 4 + DAY_FORMS))
        return text.replace(' 0', ' ') if self.chance(.9) else text

    def person(self):
        name = self.random.choice(PEOPLE)
        return name.upper() if self.chance(.1) else name

    def some(self, make, most=4):
        return [make() for _ in range(self.random.randint(0, most))]

    def or_odd(self, text, *others):
        return self.random.choice(others) if self.odd and self.chance(.08) else text

    def comment(self):
        said = f'{self.text()} ({self.person()} - {self.day()})'
        return self.or_odd(said, f'nobody {self.n}', f'(x - y) {self.n}')

    def story(self, number):
        pick = self.random.choice
        row = {
            'Id': [str(number)], 'Title': [self.text()], 'Labels': [', '.join(self.some(lambda: pick(LABELS), 3))],
            'Iteration': [self.or_odd('', 'abc')], 'Type': [self.or_odd(pick(['feature', 'bug', 'chore', 'Release']), 'thing', '')],
            'Estimate': [self.or_odd(pick(['', '0', '1', '2', '3', '-1', '0.5', '8.0']), 'many', '-2')],
            'Current State': [self.or_odd(pick(['unstarted', 'started', 'finished', 'delivered', 'accepted', 'rejected',
                                                'unscheduled', 'planned']), 'asleep', '')],
            'Created at': [self.or_odd(self.day(), 'Feb 30, 2015', '')], 'Deadline': [pick(['', self.day(), self.or_odd('', 'soon')])],
            'Requested By': [self.person()], 'Description': [pick(['', self.text(8)])],
            'URL': [pick(['', f'https://www.pivotaltracker.com/story/show/{number}'])], 'Comment': self.some(self.comment),
        }
        row['Accepted at'] = [self.or_odd(self.day(), '', 'never') if row['Current State'] == ['accepted'] else '']
        row['Owned By'] = self.some(self.person, 1 if self.year == 'old' else 3)
        if self.odd and self.chance(.05):
            row['Id'] = ['']
        if self.year != 'old':
            tasks = self.some(lambda: (self.text(), self.or_odd(pick(['completed', 'not completed', '']), 'maybe')))
            row['Task'], row['Task Status'] = [a for a, _ in tasks], [b for _, b in tasks]
        if self.year == 'new':
            self.add_new(row)
        return row

    def add_new(self, row):
        pick = self.random.choice
        row['Priority'] = [self.or_odd(pick(['none', 'p0', 'p1 - High', 'p3 - Low', '']), 'urgent')]
        pairs = self.some(lambda: (self.text(), pick(['blocked', 'resolved', ''])), 2)
        row['Blocker'], row['Blocker Status'] = [a for a, _ in pairs], [b for _, b in pairs]
        reviews = self.some(lambda: (self.person(), pick(['Test (QA)', 'Design']), pick(['pass', 'in_review', ''])), 2)
        for i, title in enumerate(('Reviewer', 'Review Type', 'Review Status')):
            row[title] = [review[i] for review in reviews]
        row['Pull Request'] = self.some(lambda: f'https://example.com/a/b/pull/{self.random.randrange(999)}', 2)
        row['Git Branch'] = self.some(lambda: f'branch-{self.random.randrange(999)}', 2)
        for title in UNKNOWN:
            row.setdefault(title, []).append(self.text() if self.chance(.2) else '')

    def epic(self, number):
        row = {'Id': [str(number)], 'Title': [self.text()], 'Labels': [self.or_odd(f'epic {number}', f'epic {number}, more')],
               'Type': ['epic'], 'Created at': [self.day()], 'Description': [self.text()],
               'Comment': self.some(self.comment)}
        if self.odd:
            row['Estimate'] = [self.or_odd('', '3')]
            row['Task'], row['Task Status'] = [self.or_odd('', 'Do')], ['']
            row['Owned By'] = [self.or_odd('', 'Ann Lee')]
        return row

    def rows(self, n):
        rows = [self.story(self.base + i) for i in range(n)]
        if self.year != 'old':
            rows[3:3] = [self.epic(self.base + 5000 + i) for i in range(3)]
        return rows

    def write(self, rows):
        """Columns in some order, in some dialect of CSV."""
        old = {new: word for word, new in OLD_TITLES.items()} if self.year == 'old' else {}
        widths = {}
        for row in rows:
            for title, cells in row.items():
                widths[title] = max(widths.get(title, 1), len(cells))
        columns = [(title, i) for title, width in widths.items() for i in range(width)]
        if self.odd and self.chance(.5):
            self.random.shuffle(columns)
            columns.sort(key=lambda column: column[1])
        file = io.StringIO(newline='')
        writer = csv.writer(file, lineterminator=self.random.choice(['\n', '\r\n']),
                            quoting=self.random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        writer.writerow([old.get(title, title) if self.chance(.9) else f' {old.get(title, title).upper()} '
                         if title in TITLES else title for title, _ in columns])
        for row in rows:
            cells = [(row.get(title, []) + [''] * (i + 1))[i] for title, i in columns]
            while self.chance(.9) and cells and not cells[-1]:
                cells.pop()
            writer.writerow([f"'{text}" if re.match("'*=", text) else text for text in cells])
        return (self.random.choice(['', '\ufeff']) + file.getvalue()).encode()
