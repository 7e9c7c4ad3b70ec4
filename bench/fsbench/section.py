# SPDX-License-Identifier: GPL-2.0-or-later
"""A benchmark's section of a Markdown file, between marks that name the benchmark."""
import pathlib


def write(path, benchmark, text):
    """Put the section in place of an older one, or behind all."""
    begin, end = f'<!-- {benchmark}: begin -->\n', f'<!-- {benchmark}: end -->\n'
    path = pathlib.Path(path)
    old = path.read_text('utf-8') if path.exists() else '# Benchmarks\n'
    before, found, rest = old.partition(begin)
    if not found:
        before = old.rstrip('\n') + '\n\n'
    behind = rest.partition(end)[2] if found else ''
    path.write_text(before + begin + text + end + behind, encoding='utf-8')
