# SPDX-License-Identifier: GPL-2.0-or-later
"""The project that is measured: made of a seed, so that every run has the same.

A V5 dump of two projects, as `storyfs import` reads it: one of n stories, in PROJECT, and an empty
one, in EMPTY. Each second story has a comment, each fourth a task, each NEEDLE_EVERYth the needle
in its description.
"""
import json
import random

PROJECT, EMPTY = 99, 100
FIRST_STORY = 100_000
N_PEOPLE, N_LABELS = 10, 40
COMMENT_EVERY, TASK_EVERY, NEEDLE_EVERY = 2, 4, 100
NEEDLE = 'xylophone'
TIME = '2024-03-01T12:00:00Z'

WORDS = '''as a climber I want the ladder to hold so that nobody falls when rain comes the wall is
wet and rope slips a hook is not enough we tried it twice see below for what was done last spring by
those who know every step has two nails one of them may rust it should be seen from far away'''.split()


def sentence(rng, n_words):
    return ' '.join(rng.choices(WORDS, k=n_words)).capitalize()


def text_of(rng):
    """A description: some lines, 100 to 1,300 bytes."""
    return '\n'.join(sentence(rng, 12) + '.' for _ in range(rng.randint(2, 20)))


def people():
    return [{'kind': 'person', 'id': i, 'name': f'Person {i}', 'initials': f'P{i}',
             'username': f'person{i}', 'email': f'person{i}@example.org'}
            for i in range(1, N_PEOPLE + 1)]


def project(number, name):
    return {'kind': 'project', 'id': number, 'name': name, 'version': 1,
            'point_scale': '0,1,2,3', 'created_at': TIME, 'updated_at': TIME,
            'time_zone': {'kind': 'time_zone', 'olson_name': 'UTC'}}


def membership(number, person):
    return {'kind': 'project_membership', 'id': number * 1000 + person['id'], 'project_id': number,
            'role': 'owner', 'person': person, 'created_at': TIME, 'updated_at': TIME}


def label(i):
    return {'kind': 'label', 'id': i, 'project_id': PROJECT, 'name': f'label {i:02d}',
            'created_at': TIME, 'updated_at': TIME}


def story(rng, i, n_stories):
    tenth = i * 10 // n_stories
    state = 'accepted' if tenth < 3 else 'unstarted' if tenth < 7 else 'unscheduled'
    kind = rng.choice(['feature', 'feature', 'feature', 'bug', 'chore'])
    text = text_of(rng)
    if i % NEEDLE_EVERY == 0:
        text += f'\nThe {NEEDLE} is here.'
    person = 1 + i % N_PEOPLE
    made = {'kind': 'story', 'id': FIRST_STORY + i, 'project_id': PROJECT,
            'name': f'{sentence(rng, 6)} {i}', 'description': text, 'story_type': kind,
            'current_state': state, 'requested_by_id': person, 'owner_ids': [person],
            'owned_by_id': person, 'labels': [label(1 + i % N_LABELS)],
            'url': f'https://www.pivotaltracker.com/story/show/{FIRST_STORY + i}',
            'created_at': TIME, 'updated_at': TIME}
    if kind == 'feature':
        made['estimate'] = rng.randint(0, 3)
    if state == 'accepted':
        made['accepted_at'] = TIME
    return made


def comment(rng, i):
    return {'kind': 'comment', 'id': FIRST_STORY + i, 'story_id': FIRST_STORY + i,
            'text': sentence(rng, 25), 'person_id': 1 + i % N_PEOPLE, 'created_at': TIME,
            'updated_at': TIME}


def task(rng, i):
    return {'kind': 'task', 'id': FIRST_STORY + i, 'story_id': FIRST_STORY + i,
            'description': sentence(rng, 6), 'complete': i % 8 == 0, 'position': 1,
            'created_at': TIME, 'updated_at': TIME}


def n_needles(n_stories):
    """How many lines hold the needle."""
    return (n_stories + NEEDLE_EVERY - 1) // NEEDLE_EVERY


def write_dump(folder, n_stories):
    """A folder for `storyfs import`."""
    rng = random.Random(n_stories)
    everybody = people()
    kinds = {
        'person': everybody,
        'project': [project(PROJECT, 'Bench'), project(EMPTY, 'Nothing')],
        'project_membership': [membership(number, person) for number in (PROJECT, EMPTY)
                               for person in everybody],
        'label': [label(i) for i in range(1, N_LABELS + 1)],
        'story': [story(rng, i, n_stories) for i in range(n_stories)],
        'comment': [comment(rng, i) for i in range(0, n_stories, COMMENT_EVERY)],
        'task': [task(rng, i) for i in range(0, n_stories, TASK_EVERY)],
    }
    folder.mkdir(parents=True)
    for kind, resources in kinds.items():
        (folder / f'{kind}.json').write_text(json.dumps(resources), encoding='utf-8')
    return folder
