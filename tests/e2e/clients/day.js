// SPDX-License-Identifier: GPL-2.0-or-later
// A day's work through pivotaljs, each call as its documentation has it; prints what came back as JSON.
'use strict';

const Pivotal = require('pivotaljs');

const pivotal = new Pivotal(process.env.V5_TOKEN);
const project = process.env.V5_PROJECT;
const results = {};

const call = (name, ...args) => new Promise((resolve, reject) => {
  pivotal[name](...args, (error, result) => (error ? reject(error) : resolve(result)));
});
// exportStories, getStoryActivity and getMyActivity take their callback before the options.
const paged = (name, options) => new Promise((resolve, reject) => {
  const all = [];
  pivotal[name](project, options, (items, pagination, next) => {
    all.push(...items);
    next();
  }, (error) => (error ? reject(new Error(JSON.stringify(error))) : resolve(all)), 0, 2);
});

async function main() {
  results.projects = await call('getProjects');
  results.story = await call('createStory', project, { name: 'Made by pivotaljs', story_type: 'bug' });
  const story = results.story.id;
  results.task = await call('addTask', project, story, 'a task', 1);
  results.tasks = await call('getTasks', project, story);
  results.label = await call('createLabel', project, 'from-js');
  results.storyLabel = await call('addStoryLabel', project, story, 'from-js');
  results.labels = await call('getLabels', project);
  results.storyLabels = await call('getStoryLabels', project, story);
  results.updated = await call('updateStory', project, story, { current_state: 'started' });
  results.got = await call('getStory', story);
  results.attached = await call('postAttachment', project, story, process.env.V5_FILE, 'text/plain', 'see the file');
  results.comments = await call('getComments', project, story);
  results.memberships = await call('getMemberships', project);
  results.stories = await paged('getStories', {});
  results.activity = await paged('getActivity', { date_format: 'millis' });
  results.iterations = await paged('getIterations', {});
  results.current = await call('getCurrentIterations', project);
  results.storyActivity = await new Promise((resolve) => pivotal.getStoryActivity(project, story, (e, r) => resolve(r)));
  results.myActivity = await new Promise((resolve) => pivotal.getMyActivity((e, r) => resolve(r), { limit: 3 }));
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
