# SPDX-License-Identifier: GPL-2.0-or-later
"""One picture: each command, as a multiple of the same on disk with warm caches, on a log scale."""
import math

from fsbench import tree

WIDTH, LEFT, RIGHT, TOP, ROW = 860, 130, 20, 92, 30
# subject, words, state, colour, shape
MARKS = [
    ('tmpfs', 'tmpfs', 'warm', '#7f7f7f', 'circle'),
    ('passthrough_ll', 'passthrough_ll, warm', 'warm', '#8c564b', 'square'),
    ('passthrough_fh', 'passthrough_fh, warm', 'warm', '#c49c94', 'square'),
    ('storyfs', 'storyfs, first', 'first', '#9ecae1', 'circle'),
    ('storyfs', 'storyfs, warm', 'warm', '#1f77b4', 'circle'),
    ('storyfs-ro', 'storyfs -o ro, first', 'first', '#a1d99b', 'square'),
    ('storyfs-ro', 'storyfs -o ro, warm', 'warm', '#2ca02c', 'square'),
    ('sshfs', 'sshfs, warm', 'warm', '#ff7f0e', 'diamond'),
    ('rclone', 'rclone mount, warm', 'warm', '#d62728', 'diamond'),
]


def shape(kind, x, y, colour, title):
    bodies = {
        'circle': f'<circle cx="{x:.1f}" cy="{y}" r="5.5"',
        'square': f'<rect x="{x - 5:.1f}" y="{y - 5}" width="10" height="10"',
        'diamond': f'<path d="M{x:.1f} {y - 7}l7 7l-7 7l-7 -7z"',
    }
    return (f'{bodies[kind]} fill="{colour}" stroke="#fff" stroke-width="1">'
            f'<title>{title}</title></{bodies[kind].split()[0][1:]}>')


def text(x, y, words, anchor='start', colour='#222'):
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def points(results, n):
    """[(row of tree.COMMANDS, mark, ratio, stories)]. Rivals may have been given fewer stories."""
    found = []
    for row, command in enumerate(tree.COMMANDS):
        for mark in MARKS:
            for size in [n, *sorted({key[0] for key in results.values} - {n}, reverse=True)]:
                ratio = results.ratio((size, mark[0], command.id, mark[2]),
                                      (size, 'disk', command.id, 'warm'))
                if ratio:
                    found.append((row, mark, ratio, size))
                    break
    return found


def ticks(low, high):
    return [m * 10.0 ** e for e in range(-2, 5) for m in (1, 2, 5) if low <= m * 10.0 ** e <= high]


def legend(marks):
    parts = []
    for i, mark in enumerate(marks):
        x, y = LEFT + (i % 4) * 175, 44 + (i // 4) * 20
        parts += [shape(mark[4], x, y - 4, mark[3], mark[1]), text(x + 12, y, mark[1])]
    return parts


def title_of(found, n):
    others = sorted({(p[3], p[1][0]) for p in found if p[3] != n})
    words = f'Time, as a multiple of the same on disk with warm caches ({n:,} stories'
    return words + ''.join(f'; {name}: {size:,}' for size, name in others) + ')'


def draw(results, n):
    """The SVG; '' when there is nothing to show."""
    found = points(results, n)
    if not found:
        return ''
    rows = sorted({p[0] for p in found})
    low = min(0.5, *(p[2] for p in found)) / 1.2
    high = max(2.0, *(p[2] for p in found)) * 1.2
    height = TOP + ROW * len(rows) + 34
    bottom = height - 34

    def x_of(ratio):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(ratio / low) / math.log(high / low)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
             f'height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             text(LEFT, 20, title_of(found, n))]
    parts += legend([m for m in MARKS if any(p[1] is m for p in found)])
    for tick in ticks(low, high):
        x, colour = x_of(tick), '#444' if tick == 1 else '#ddd'
        parts += [f'<path d="M{x:.1f} {TOP - 8}V{bottom}" stroke="{colour}"/>',
                  text(x, bottom + 18, f'{tick:g}', 'middle')]
    for i, row in enumerate(rows):
        y = TOP + ROW * i + ROW // 2
        parts += [f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#eee"/>',
                  text(LEFT - 12, y + 4, tree.COMMANDS[row].name, 'end')]
    for row, mark, ratio, size in found:
        title = f'{tree.COMMANDS[row].name}, {mark[1]}: {ratio:.2f} ({size:,} stories)'
        y = TOP + ROW * rows.index(row) + ROW // 2
        parts.append(shape(mark[4], x_of(ratio), y, mark[3], title))
    return '\n'.join([*parts, '</svg>']) + '\n'
