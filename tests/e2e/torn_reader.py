#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads texts of test_torn.py over and over until its standard input ends.

usage: torn_reader.py pread|open PATH...

Standard output: how many looks, how many found another text than before, how many one that was not
whole, and what the first of these were.
"""
import json
import os
import select
import sys

MOST = 1 << 15


def is_whole(data):
    """One text, its newline at the end."""
    size = int(data[9:15]) if data[9:15].isdigit() else -1
    return len(data) == 17 + size and data[-1:] == b'\n' and data.count(data[16:17], 16) == size


class Pread:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY)

    def bytes(self):
        return os.pread(self.fd, MOST, 0)


class Open:
    def __init__(self, path):
        self.path = path

    def bytes(self):
        with open(self.path, 'rb', buffering=0) as f:
            return f.read(MOST)


WAYS = {'pread': Pread, 'open': Open}


def main():
    files = [WAYS[sys.argv[1]](path) for path in sys.argv[2:]]
    last = [f.bytes()[:8] for f in files]
    looks = changes = 0
    wrong = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        for i, f in enumerate(files * 20):
            data = f.bytes()
            looks += 1
            changes += data[:8] != last[i % len(files)]
            last[i % len(files)] = data[:8]
            if not is_whole(data):
                wrong.append([len(data), data[:20].decode('ascii', 'replace')])
    print(json.dumps([looks, changes, len(wrong), wrong[:5]]))


main()
