#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write files as C arrays: embed.py OUTPUT FILE...

console.html becomes `const unsigned char page_console_html[]` and `const size_t page_console_html_len`.
"""
import pathlib
import sys


def main(output, *files):
    lines = ['/* Made by embed.py. */', '#include "console_pages.h"', '']
    for file in map(pathlib.Path, files):
        name = 'page_' + file.name.replace('.', '_')
        data = file.read_bytes()
        lines.append(f'const unsigned char {name}[] = {{')
        lines += ['\t' + ' '.join(f'{byte},' for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
        lines += ['};', f'const size_t {name}_len = sizeof({name});', '']
    pathlib.Path(output).write_text('\n'.join(lines), encoding='utf-8')


main(*sys.argv[1:])
