# SPDX-License-Identifier: GPL-2.0-or-later
"""The first complete read of a project over HTTP, beside curl and a script that somebody would write."""
import shlex
import time

from fsbench import programs, project, tree

PAGE, AT_ONCE = 500, 8
N_VALUES = 100


def subject_at(name, latency):
    """A subject of its own for each latency."""
    return f'{name}-{latency}'


def note_sent(world, key, sent):
    world.results.counts[key] = {'requests': sent.requests, 'bytes': sent.bytes}


def measure_read(world, latency):
    """A new mount fetches the project, and curl the same JSON; `find` and `grep -r` on new mounts."""
    subject = tree.Storyfs(subject_at('storyfs', latency))
    key, proxy = (world.n_stories, subject.id, 'read'), world.proxies[latency]
    with world.storyfs(latency=latency) as mount:
        proxy.take_asked()
        before, start = proxy.count(), time.monotonic()
        world.load(mount)
        world.results.add((*key, 'fetch'), time.monotonic() - start)
        note_sent(world, (*key, 'fetch'), proxy.count() - before)
    fetch(world, latency, [path for method, path in proxy.take_asked() if method == 'GET'])
    for command in complete_commands():
        before = proxy.count()
        with world.storyfs(latency=latency) as mount:
            seconds = tree.count(world, subject, command, world.stories(mount))
            world.results.add((*key, command.id), seconds)
        note_sent(world, (*key, command.id), proxy.count() - before)


def complete_commands():
    return [command for command in tree.COMMANDS if command.id in ('find', 'grep')]


def fetch(world, latency, urls):
    """curl fetches in parallel what the mount has asked for."""
    if not programs.has('curl') or 'curl' not in world.options.against:
        return
    base = world.proxies[latency].url.removesuffix('/services/v5')
    config = world.work / 'curl.config'
    config.write_text(''.join(f'url = "{base}{path}"\noutput = "/dev/null"\n' for path in urls),
                      encoding='ascii')
    before = world.proxies[latency].count()
    start = time.monotonic()
    programs.run(['curl', '-sSf', '-g', '--compressed', '--parallel', '--parallel-max', AT_ONCE,
                  '-H', f'X-TrackerToken: {world.env["STORYFS_TOKEN"]}', '-K', config])
    key = world.n_stories, subject_at('curl', latency), 'read', 'fetch'
    world.results.add(key, time.monotonic() - start)
    sent = world.proxies[latency].count() - before
    if sent.requests != len(urls):
        raise programs.Failure(f'curl sent {sent.requests} requests, not {len(urls)}')
    note_sent(world, key, sent)


def measure_archive(world):
    """The same on the archive itself, without HTTP."""
    for command in complete_commands():
        with world.storyfs(archive=True) as mount:
            seconds = tree.count(world, tree.Storyfs('archive'), command, world.stories(mount))
            world.results.add((world.n_stories, 'archive', 'read', command.id), seconds)


def script_of(world, latency):
    """What somebody would write who wants to know which stories hold a word."""
    url = f'{world.proxies[latency].url}/projects/{project.PROJECT}/stories'
    head = f'X-TrackerToken: {world.env["STORYFS_TOKEN"]}'
    return (
        'd=$(mktemp -d) && '
        f'seq 0 {PAGE} {world.n_stories - 1} | xargs -P {AT_ONCE} -I% curl -sSfg --compressed '
        f'-H {shlex.quote(head)} -o "$d/%" '
        f'{shlex.quote(f"{url}?limit={PAGE}&offset=%&fields=:default,comments,tasks")} && '
        f'jq -r ".[] | select(tostring | contains(\\"{project.NEEDLE}\\")) | .id" "$d"/* | wc -l && '
        'rm -r "$d"')


def measure_script(world, latency):
    seconds, n = programs.timed_count(script_of(world, latency), world.work, world.env)
    if n != project.n_needles(world.n_stories):
        raise programs.Failure(f'the script finds {n} stories')
    world.results.add((world.n_stories, subject_at('curl', latency), 'read', 'script'), seconds)


def measure_values(world):
    """Values one at a time: what N_VALUES of the cats are to somebody without a mount."""
    url = f'{world.proxies[0].url}/projects/{project.PROJECT}/stories'
    head = f'X-TrackerToken: {world.env["STORYFS_TOKEN"]}'
    script = (f'head -n {N_VALUES} "$CATS" | tr / " " | while read -r _ id field; do curl -sSf '
              f'--compressed -H {shlex.quote(head)} {url}/$id | jq -r .$field; done | wc -l')
    env = {**world.env, 'CATS': str(tree.names_to_cat(world))}
    seconds, n = programs.timed_count(script, world.work, env)
    if n < N_VALUES:
        raise programs.Failure(f'the script printed {n} lines')
    world.results.add((world.n_stories, subject_at('curl', 0), 'read', 'values'), seconds)


def steps(options, n_stories):
    if n_stories != options.stories[0]:
        return []
    found = []
    curl = 'curl' in options.against and programs.has('curl') and programs.has('jq')
    if 'read' in options.only:
        found.append((('complete read', 'archive'), measure_archive))
        for latency in options.latency:
            found.append((('complete read', f'{latency} ms'),
                          lambda world, ms=latency: measure_read(world, ms)))
            if curl:
                found.append((('curl and jq', f'{latency} ms'),
                              lambda world, ms=latency: measure_script(world, ms)))
    if 'values' in options.only and curl:
        found.append((('values by curl and jq', '0 ms'), measure_values))
    return found
