# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as Markdown, and their section of a file."""
import os
import pathlib
import platform
import re

from fsbench import aims, plot, rivals, section, tree
from fsbench.living import REFRESH_S
from fsbench.reading import N_VALUES, subject_at

SUBJECTS = {'disk': 'on disk', 'tmpfs': 'tmpfs', **{kind.id: kind.name for kind in rivals.ALL},
            'storyfs': 'storyfs', 'storyfs-ro': 'storyfs `-o ro`'}
STATES = 'cold', 'first', 'second', 'warm'
# Those that come when the kernel finds time are not told: nobody waits for them.
LATER = {'FORGET', 'BATCH_FORGET', 'RELEASE', 'INIT', 'DESTROY'}


def table(head, rows):
    """A Markdown table, its first column to the left."""
    rows = [list(map(str, row)) for row in rows]
    lines = [f'| {" | ".join(line)} |\n' for line in (head, *rows)]
    return ''.join([lines[0], '|---' + '|---:' * (len(head) - 1) + '|\n', *lines[1:]])


def seconds(value):
    if value is None:
        return ''
    return f'{value * 1000:.1f} ms' if value < 0.1 else f'{value:.2f} s'


def mib(n_bytes):
    return '' if n_bytes is None else f'{n_bytes / (1 << 20):.1f} MiB'


def number(value):
    return '' if value is None else f'{value:,.2f}'.rstrip('0').rstrip('.')


def processor():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        found = re.search(r'^model name\s*:\s*(.*)$', f.read(), re.M)
    return found.group(1) if found else platform.machine()


def add_machine(options, results, disk):
    n = options.stories[0]
    entries = results.facts[n].get('entries')
    tree_words = f', {entries:,} files, directories and links below `stories/`' if entries else ''
    cold = ('Cold is on a new mount with an empty cache, what lies below a rival being warm; on disk it is '
            'after `/proc/sys/vm/drop_caches` was told 3.' if options.drop_caches else
            'Cold is on a new mount with an empty cache, what lies below a rival being warm; on disk '
            'it was not measured.')
    return (f'{processor()}, {os.cpu_count()} processors, Linux {platform.release()}, disk {disk}. '
            f'{n:,} stories{tree_words}. At most {options.runs} rounds, in turns; medians. {cold} First is on a '
            'new mount that has fetched all, while the kernel knows nothing. Second is the command after the '
            'cold one, warm the one after that. Over HTTP is over a proxy that '
            'holds back each request for the latency that is given (0 ms where none is).\n')


def left_out(verdicts):
    n = sum(v.reached is None for v in verdicts)
    return f'\n{n} of {len(verdicts)} aims were not measured.\n' if n else ''


def add_verdicts(verdicts):
    measured = [v for v in verdicts if v.reached is not None]
    return table(['ratio', 'is', 'aim', ''],
                 [[v.words, number(v.ratio), v.aim, 'reached' if v.reached else '**missed**']
                  for v in measured]) + left_out(verdicts)


def tree_cell(results, n, subject, command, state):
    value = results.median(n, subject, command, state)
    ratio = results.ratio((n, subject, command, state), (n, 'disk', command, 'warm'))
    few = '¹' if results.runs(n, subject, command, state) == 1 else ''
    return '' if value is None else seconds(value) + few + (f' ({ratio:.2f})' if ratio else '')


def add_tree(results, n):
    present = results.subjects(n)
    subjects = [s for s in SUBJECTS if s in present]
    rows = []
    for command in tree.COMMANDS:
        for state in STATES:
            cells = [tree_cell(results, n, s, command.id, state) for s in subjects]
            if any(cells):
                rows.append([f'{command.name}, {state}', *cells])
    if not rows:
        return ''
    memory = [max((results.median(n, s, c.id, 'rss') or 0 for c in tree.COMMANDS), default=0)
              for s in subjects]
    rows.append(['resident memory afterwards, most', *(mib(m * 1024) if m else '' for m in memory)])
    return (f'\n### The tree, {n:,} stories\n\nIn brackets: as a multiple of the disk, warm. ¹ One round.\n\n'
            + table(['', *(SUBJECTS[s] for s in subjects)], rows))


def sent_cells(results, key):
    counts = results.counts.get(key, {})
    return [number(counts.get('requests')), mib(counts['bytes']) if 'bytes' in counts else '']


def add_reads(options, results):
    n = options.stories[0]
    rows = []
    what = [('storyfs', 'fetch', 'one story is read whole, which fetches all'),
            ('curl', 'fetch', '`curl` fetches the same JSON in parallel'),
            ('storyfs', 'find', '`find`'), ('storyfs', 'grep', '`grep -r`'),
            ('curl', 'script', '`curl` and `jq`: pages in parallel, which stories hold a word'),
            ('curl', 'values', f'`curl` and `jq`: {N_VALUES} values one by one')]
    for state in ('find', 'grep'):
        value = results.median(n, 'archive', 'read', state)
        if value is not None:
            rows.append([f'the archive itself: `{tree.NAMES[state]}`', seconds(value), '', ''])
    for ms in options.latency:
        for kind, state, words in what:
            key = n, subject_at(kind, ms), 'read', state
            if results.median(*key) is not None:
                rows.append([f'{ms} ms: {words}', seconds(results.median(*key)),
                             *sent_cells(results, key)])
    return rows and ('\n### The first complete read, over HTTP\n\n' + table(
        ['', 'time', 'requests', 'bytes of answers, as sent'], rows))


# measure, state, subject but for its latency, what it is
IN_USE = [
    ('save', 'close', 'storyfs', 'a save'),
    ('save', 'PUT', 'curl', 'a PUT by `curl`'),
    ('mount', 'full, new', 'storyfs', 'mount to first `ls`'),
    ('mount', 'full, second', 'storyfs', 'mount to first `ls`, second time'),
    ('mount', 'empty, new', 'storyfs', 'mount to first `ls`, an empty project'),
    ('mount', 'empty, second', 'storyfs', 'mount to first `ls`, an empty project, second time'),
    ('change', 'seen', 'storyfs', f'until a foreign change is seen, `refresh={REFRESH_S}`'),
]


def in_use_cell(results, key):
    requests = results.counts.get(key, {}).get('requests')
    return seconds(results.median(*key)) + (f' ({number(requests)})' if requests else '')


def add_in_use(options, results):
    """What takes a moment: a save, the first listing, what others change."""
    rows = []
    for measure, state, subject, words in IN_USE:
        for n in sorted(options.stories):
            cells = [in_use_cell(results, (n, subject_at(subject, ms), measure, state))
                     for ms in options.latency]
            if any(cells):
                rows.append([f'{words}, {n:,} stories', *cells])
    disk = results.median(options.stories[0], 'disk', 'save', 'close')
    if disk is not None:
        rows.append(['the same as a save, to a file on disk', seconds(disk), *[''] * (len(options.latency) - 1)])
    return rows and ('\n### In use\n\nIn brackets: requests. A save looks before it writes.\n\n' + table(
        ['', *(f'{ms} ms' for ms in options.latency)], rows))


def add_memory(options, results):
    rows = []
    for n in sorted(options.stories):
        if not results.median(n, 'storyfs', 'memory', 'empty'):
            continue
        json_bytes = results.facts[n]['json_bytes']
        fetched = aims.memory_of_a_story(results, n, 'fetched')
        rows.append([f'{n:,} stories',
                     *(mib(results.median(n, 'storyfs', 'memory', s) * 1024)
                       for s in ('empty', 'fetched', 'read', 'most')),
                     f'{fetched:,.0f}', f'{json_bytes / n:,.0f}', f'{fetched * n / json_bytes:.2f}'])
    return rows and '\n### Resident memory of a mount\n\n' + table(
        ['', 'empty project', 'all fetched', 'all read', 'most', 'bytes a story', 'its JSON', 'ratio'], rows)


def add_opcodes(options, results):
    n = min(options.stories)
    rows, keys = [], [key for key in results.counts if key[0] == n and key[3].startswith('trace ')]
    entries = results.facts[n].get('entries')
    names = sorted({op for key in keys for op in results.counts[key]} - LATER)
    for key in keys:
        per_file = [results.counts[key].get(op, 0) / entries for op in names]
        rows.append([f'{tree.NAMES[key[2]]}, {SUBJECTS[key[1]]}, {key[3].split()[1]}',
                     *(f'{v:.3f}' if v >= 0.0005 else '' for v in per_file)])
    return rows and (
        f'\n### Requests of the kernel, for each of the {entries:,} entries of {n:,} stories\n\n'
        + table(['', *names], rows))


def add_missing(results):
    return results.missing and '\n' + ''.join(
        f'Not measured: {what}, since {why}.\n' for what, why in results.missing.items())


def markdown(options, results, disk):
    parts = [add_machine(options, results, disk), '\n',
             add_verdicts(aims.verdicts(options, results))]
    parts += [add_tree(results, n) for n in options.stories]
    parts += [add_reads(options, results), add_in_use(options, results), add_memory(options, results),
              add_opcodes(options, results), add_missing(results)]
    return ''.join(p for p in parts if p)


def write(path, options, results, disk):
    """Put the section into the file, and the plot beside it."""
    picture = pathlib.Path(path).with_suffix('.svg')
    svg = plot.draw(results, options.stories[0])
    shown = f'\n![as a multiple of the same command on disk, warm]({picture.name})\n' if svg else ''
    if svg:
        picture.write_text(svg, encoding='utf-8')
    section.write(path, 'bench/fs', '## The mount\n\nWritten by `bench/fs --write docs/benchmarks.md`.\n\n'
                  f'{markdown(options, results, disk)}{shown}')


def verdict_lines(verdicts):
    """For a person who waits: one line an aim."""
    lines = [f'{"reached" if v.reached else "MISSED":8} {number(v.ratio):>9}  {v.aim:6}  {v.words}\n'
             for v in verdicts if v.reached is not None]
    return ''.join(lines).replace('`', '') + left_out(verdicts)
