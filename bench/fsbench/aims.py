# SPDX-License-Identifier: GPL-2.0-or-later
"""What storyfs aims at: ratios of medians of one run, and whether each is reached.

Unless an aim says otherwise it is held at the first number of stories.
"""
import collections

from fsbench import tree
from fsbench.reading import subject_at

FAR_MS = 20

# reached is None when it was not measured.
Verdict = collections.namedtuple('Verdict', 'words ratio aim reached')

# words, of (subject, measure, state), to (subject, measure, state), at most
AIMS = [
    ('`find`, warm : on disk', ('storyfs', 'find', 'warm'), ('disk', 'find', 'warm'), 1.0),
    ('`ls -lR`, warm : on disk', ('storyfs', 'ls', 'warm'), ('disk', 'ls', 'warm'), 1.0),
    ('`grep -r`, first : on disk, warm', ('storyfs', 'grep', 'first'), ('disk', 'grep', 'warm'), 3.0),
    ('`grep -r`, warm : on disk', ('storyfs', 'grep', 'warm'), ('disk', 'grep', 'warm'), 2.5),
    ('`grep -r`, `-o ro`, first : on disk, warm', ('storyfs-ro', 'grep', 'first'),
     ('disk', 'grep', 'warm'), 1.2),
    ('`grep -r`, `-o ro`, warm : on disk', ('storyfs-ro', 'grep', 'warm'),
     ('disk', 'grep', 'warm'), 1.0),
    (f'all is fetched, {FAR_MS} ms : curl fetches the same JSON',
     (subject_at('storyfs', FAR_MS), 'read', 'fetch'), (subject_at('curl', FAR_MS), 'read', 'fetch'),
     1.5),
    (f'`grep -r` on a new mount, {FAR_MS} ms : curl fetches the same JSON',
     (subject_at('storyfs', FAR_MS), 'read', 'grep'), (subject_at('curl', FAR_MS), 'read', 'fetch'),
     1.5),
    (f'mount to first `ls`, {FAR_MS} ms, second time : of an empty project',
     (subject_at('storyfs', FAR_MS), 'mount', 'full, second'),
     (subject_at('storyfs', FAR_MS), 'mount', 'empty, second'), 3.0),
]
# Each of these of a rival is to take so many times what it takes here.
TIMES_RIVALS = 5.0
AGAINST_RIVALS = [('find', 'warm', 'storyfs', 'warm'), ('ls', 'warm', 'storyfs', 'warm'),
                  ('grep', 'cold', 'storyfs', 'first'), ('grep', 'warm', 'storyfs', 'warm'),
                  ('grep', 'cold', 'storyfs-ro', 'first'), ('grep', 'warm', 'storyfs-ro', 'warm')]
GROWTH = 1.5
JSON = 1.5


def at_most(words, ratio, most):
    return Verdict(words, ratio, f'≤ {most:.1f}', None if ratio is None else ratio <= most)


def at_least(words, ratio, least):
    return Verdict(words, ratio, f'≥ {least:.1f}', None if ratio is None else ratio >= least)


def of_rivals(options, results):
    sizes = [n for n in options.stories if results.median(n, 'sshfs', 'find', 'warm')
             or results.median(n, 'rclone', 'find', 'warm')]
    n = max(sizes, default=None)
    for rival in ('sshfs', 'rclone'):
        for measure, theirs, subject, ours in AGAINST_RIVALS:
            ratio = n and results.ratio((n, rival, measure, theirs), (n, subject, measure, ours))
            where = f', {n:,} stories' if n and n != options.stories[0] else ''
            ro = ', `-o ro`' if subject == 'storyfs-ro' else ''
            yield at_least(f'{rival} : storyfs{ro}, `{tree.NAMES[measure]}`, {ours}{where}', ratio,
                           TIMES_RIVALS)


def cost_of_a_file(results, n, measure, state):
    """In seconds; a cat is a thousand, however many files there are."""
    seconds, entries = results.median(n, 'storyfs', measure, state), results.facts[n].get('entries')
    if seconds is None or not entries:
        return None
    return seconds if measure == 'cat' else seconds / entries


def memory_of_a_story(results, n, state):
    """Resident bytes beyond those of a mount of nothing."""
    total = results.median(n, 'storyfs', 'memory', state)
    empty = results.median(n, 'storyfs', 'memory', 'empty')
    return None if total is None or empty is None else (total - empty) * 1024 / n


def quotient(a, b):
    return a / b if a and b else None


def of_growth(options, results):
    small, large = min(options.stories), max(options.stories)
    if small == large:
        return
    words = f'{large:,} : {small:,} stories, '
    for command in tree.COMMANDS:
        for state in ('first', 'warm'):
            what = 'a cat' if command.id == 'cat' else f'`{command.name}` a file'
            yield at_most(f'{words}{what}, {state}', quotient(
                cost_of_a_file(results, large, command.id, state),
                cost_of_a_file(results, small, command.id, state)), GROWTH)
    yield at_most(f'{words}resident memory a story', quotient(
        memory_of_a_story(results, large, 'read'), memory_of_a_story(results, small, 'read')), GROWTH)


def of_state(options, results):
    n = options.stories[0]
    memory, json_bytes = memory_of_a_story(results, n, 'fetched'), results.facts[n].get('json_bytes')
    yield at_most('memory of what was fetched : its JSON',
                  quotient(memory, json_bytes and json_bytes / n), JSON)


def verdicts(options, results):
    n = options.stories[0]
    found = [at_most(words, results.ratio((n, *of), (n, *to)), most) for words, of, to, most in AIMS]
    return [*found, *of_rivals(options, results), *of_growth(options, results),
            *of_state(options, results)]
