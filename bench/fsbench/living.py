# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount in use: saves, the first listing, what others change, memory."""
import os
import time

from fsbench import programs, project, tree
from fsbench.reading import complete_commands, note_sent, subject_at

N_SAVES, N_CHANGES = 20, 3
REFRESH_S = 1


# ---- saving ----

def saved_story(world):
    return str(project.FIRST_STORY + world.n_stories - 1)


def save_to(path, world, key, what):
    for i in range(N_SAVES):
        text = f'Saved {what} {world.results.runs(*key)} {i}\n'
        start = time.monotonic()
        path.write_text(text, encoding='ascii')
        world.results.add(key, time.monotonic() - start)


def measure_save(world, latency):
    proxy = world.proxies[latency]
    with world.storyfs(latency=latency) as mount:
        path = world.stories(mount) / saved_story(world) / 'name'
        path.read_bytes()
        before = proxy.count()
        key = world.n_stories, subject_at('storyfs', latency), 'save', 'close'
        save_to(path, world, key, latency)
        sent = proxy.count() - before
        world.results.counts[key] = {'requests': sent.requests / N_SAVES,
                                     'bytes': sent.bytes / N_SAVES}
    if 'curl' in world.options.against and programs.has('curl'):
        put_by_curl(world, latency)


def put_by_curl(world, latency):
    url = (f'{world.proxies[latency].url}/projects/{project.PROJECT}/stories/'
           f'{saved_story(world)}')
    for i in range(N_SAVES):
        key = world.n_stories, subject_at('curl', latency), 'save', 'PUT'
        start = time.monotonic()
        programs.run(['curl', '-sSf', '-X', 'PUT', '-H', 'Content-Type: application/json', '-H',
                      f'X-TrackerToken: {world.env["STORYFS_TOKEN"]}', '-o', '/dev/null', '-d',
                      f'{{"name":"Put {latency} {world.results.runs(*key)} {i}"}}', url])
        world.results.add(key, time.monotonic() - start)


def measure_save_to_disk(world):
    save_to(world.work / 'name', world, (world.n_stories, 'disk', 'save', 'close'), 'here')


def save_steps(options, n_stories):
    if 'save' not in options.only or n_stories != options.stories[0]:
        return []
    return [(('a save', f'{latency} ms'), lambda world, ms=latency: measure_save(world, ms))
            for latency in options.latency] + [(('a save', 'disk'), measure_save_to_disk)]


# ---- from mount to the first listing ----

def first_ls(world, latency, number, cache):
    start = time.monotonic()
    with world.storyfs(latency=latency, cache=cache) as mount:
        n = len(programs.run(['ls', world.stories(mount, number)], world.env).split())
        seconds = time.monotonic() - start
    expected = world.n_stories if number == project.PROJECT else 0
    if n != expected:
        raise programs.Failure(f'ls shows {n} stories, not {expected}')
    return seconds


def measure_mount(world, latency):
    proxy = world.proxies[latency]
    for number, name in ((project.PROJECT, 'full'), (project.EMPTY, 'empty')):
        cache = world.new_cache()
        for state in ('new', 'second'):
            before = proxy.count()
            key = world.n_stories, subject_at('storyfs', latency), 'mount', f'{name}, {state}'
            world.results.add(key, first_ls(world, latency, number, cache))
            note_sent(world, key, proxy.count() - before)


def mount_steps(options, _n_stories):
    if 'mount' not in options.only:
        return []
    return [(('mount to first ls', f'{latency} ms'),
             lambda world, ms=latency: measure_mount(world, ms)) for latency in options.latency]


# ---- somebody else's change ----

def wait_for_text(path, text):
    end = time.monotonic() + programs.START_S
    while path.read_text('utf-8') != text:
        if time.monotonic() > end:
            raise programs.Failure(f'a change was not seen within {programs.START_S} s')
        time.sleep(0.002)


def measure_change(world, latency):
    """From the answer to another client's PUT until the mount shows it."""
    proxy = world.proxies[latency]
    key = world.n_stories, subject_at('storyfs', latency), 'change', 'seen'
    with world.storyfs('--refresh', REFRESH_S, latency=latency) as mount:
        world.load(mount)
        path = world.stories(mount) / saved_story(world) / 'name'
        path.read_bytes()
        for i in range(N_CHANGES):
            before = proxy.count()
            text = f'Changed {latency} {world.results.runs(*key)} {i}'
            world.ask('PUT', f'/services/v5/projects/{project.PROJECT}/stories/'
                      f'{saved_story(world)}', f'{{"name":"{text}"}}'.encode())
            start = time.monotonic()
            wait_for_text(path, text + '\n')
            world.results.add(key, time.monotonic() - start)
            note_sent(world, key, proxy.count() - before)


def change_steps(options, _n_stories):
    if 'change' not in options.only:
        return []
    return [(('a foreign change', f'{latency} ms'),
             lambda world, ms=latency: measure_change(world, ms)) for latency in options.latency]


# ---- memory ----

def measure_memory(world):
    """Resident memory of a mount: of nothing, of all that was fetched, and after all was read."""
    results, n = world.results, world.n_stories
    with world.storyfs() as mount:
        os.listdir(world.stories(mount, project.EMPTY))
        results.add((n, 'storyfs', 'memory', 'empty'), mount.memory_kib('VmRSS'))
    world.proxies[0].take_asked()
    with world.storyfs() as mount:
        world.load(mount)
        results.add((n, 'storyfs', 'memory', 'fetched'), mount.memory_kib('VmRSS'))
        urls = [path for method, path in world.proxies[0].take_asked() if method == 'GET']
        for command in complete_commands():
            tree.count(world, tree.OURS[0], command, world.stories(mount))
        results.add((n, 'storyfs', 'memory', 'read'), mount.memory_kib('VmRSS'))
        results.add((n, 'storyfs', 'memory', 'most'), mount.memory_kib('VmHWM'))
    if 'json_bytes' not in results.facts[n]:
        results.facts[n]['json_bytes'] = sum(len(world.ask('GET', path)) for path in urls)


def memory_steps(options, _n_stories):
    return [(('memory', 'storyfs'), measure_memory)] if 'memory' in options.only else []


def steps(options, n_stories):
    makers = save_steps, mount_steps, change_steps, memory_steps
    return [step for make in makers for step in make(options, n_stories)]
