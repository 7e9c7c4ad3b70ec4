// SPDX-License-Identifier: GPL-2.0-or-later
// The API console: a form for each endpoint, made from console.json, which the server prints from its
// own tables. Nothing is fetched from anywhere else, and no text becomes markup.
'use strict';

const $ = (id) => document.getElementById(id);
let api = null; // console.json
let current = null; // the route that is shown

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in element)
      element[name] = value;
    else
      element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// ---- who ----

// The token lives as long as the tab.
function token() {
  return sessionStorage.getItem('token') || '';
}

function headersFor(body) {
  const headers = {};
  if (token())
    headers['X-TrackerToken'] = token();
  if (typeof body === 'string')
    headers['Content-Type'] = 'application/json';
  return headers;
}

async function showPerson() {
  $('person').textContent = '';
  if (!token())
    return;
  try {
    const response = await fetch(api.base + '/me?fields=name', { headers: headersFor() });
    const json = await response.json();
    $('person').textContent = response.ok ? json.name : json.error;
    $('person').className = response.ok ? 'good' : 'bad';
  } catch (error) {
    $('person').textContent = String(error);
    $('person').className = 'bad';
  }
}

// ---- the list of endpoints ----

const keyOf = (route) => `${route.method} ${route.path}`;
const hashOf = (route) => '#' + encodeURI(keyOf(route));

// What comes behind the project, or first: stories, epics, my.
function groupOf(route) {
  const words = route.path.split('/').filter((word) => word && !word.startsWith('{'));
  return words[0] === 'projects' && words.length > 1 ? words[1] : words[0];
}

function listEndpoints() {
  const groups = new Map();
  for (const route of api.routes) {
    const name = groupOf(route);
    if (!groups.has(name))
      groups.set(name, make('ul', { 'aria-label': name }));
    const link = make('a', { href: hashOf(route) },
      make('span', { className: 'verb', textContent: route.method }), make('span', { textContent: route.path }));
    route.item = make('li', {}, link);
    groups.get(name).append(route.item);
  }
  for (const [name, list] of groups)
    $('endpoints').append(make('section', {}, make('h2', { textContent: name }), list));
}

function filterEndpoints() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  let n = 0;
  for (const route of api.routes) {
    const text = `${keyOf(route)} ${route.kind}`.toLowerCase();
    route.item.hidden = !words.every((word) => text.includes(word));
    n += !route.item.hidden;
  }
  for (const section of $('endpoints').children)
    section.hidden = !section.querySelector('li:not([hidden])');
  $('found').textContent = words.length ? `${n} of ${api.routes.length}` : `${n} endpoints`;
}

// ---- a form for an endpoint ----

const hints = {
  datetime: '2026-01-31T12:00:00Z, or ms', date: '2026-01-31', ids: '1, 2, 3', integer: '', number: '',
};

function inputFor(parameter, id) {
  if (parameter.type === 'enum' || parameter.type === 'boolean') {
    const words = parameter.choices || ['true', 'false'];
    return make('select', { id }, make('option', { value: '', textContent: '' }),
      ...words.map((word) => make('option', { value: word, textContent: word })));
  }
  if (['extended_string', 'object', 'objects', 'json'].includes(parameter.type) && !(parameter.max <= 255))
    return make('textarea', { id, rows: parameter.max > 5000 ? 4 : 1, spellcheck: false });
  if (parameter.type === 'file')
    return make('input', { id, type: 'file' });
  const input = make('input', { id, type: 'text', spellcheck: false, placeholder: hints[parameter.type] || '' });
  if (parameter.type === 'integer' || parameter.type === 'number')
    input.inputMode = 'decimal';
  return input;
}

const words = { integer: 'id', ids: 'ids', object: 'object', objects: 'list' };

function noteFor(parameter) {
  if (parameter.type === 'enum')
    return '';
  const notes = [parameter.of ? `${words[parameter.type]} of ${parameter.of}` : parameter.type.replace('_', ' ')];
  if (parameter.max)
    notes.push(`at most ${parameter.max}`);
  if (['object', 'objects', 'json'].includes(parameter.type))
    notes.push('as JSON');
  return notes.join(', ');
}

function rowFor(parameter, place) {
  const id = `${place}-${parameter.key}`;
  const input = inputFor(parameter, id);
  input.dataset.key = parameter.key;
  input.required = Boolean(parameter.required);
  input.setAttribute('aria-describedby', `${id}-note`);
  return make('div', { className: 'row' },
    make('label', { htmlFor: id, textContent: parameter.key, className: parameter.required ? 'required' : '' }),
    input, make('span', { id: `${id}-note`, className: 'note', textContent: noteFor(parameter) }));
}

const idsOf = (route) => [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);

// What was typed for one endpoint's path serves the next.
function rowForId(name) {
  const row = rowFor({ key: name, type: 'integer', required: true }, 'id');
  row.querySelector('input').value = sessionStorage.getItem(`id ${name}`) || '';
  return row;
}

const accessWords = {
  person: 'Anybody with a token.', reader: 'Whoever may read the project; anybody, when it is public.',
  member: 'Members and owners of the project.', owner: 'Owners of the project.',
};

function showRoute(route) {
  current = route;
  for (const other of api.routes)
    other.item.firstChild.removeAttribute('aria-current');
  route.item.firstChild.setAttribute('aria-current', 'page');
  $('method').textContent = route.method;
  $('path').textContent = route.path;
  $('about').textContent = `${accessWords[route.access]} About: ${route.kind}.`;
  document.title = `${keyOf(route)}: storyfs API console`;
  const ids = idsOf(route);
  $('ids').replaceChildren($('ids').firstElementChild, ...ids.map(rowForId));
  $('ids').hidden = ids.length === 0;
  $('fields').replaceChildren(...[...route.parameters].sort((a, b) => Boolean(b.required) - Boolean(a.required))
    .map((parameter) => rowFor(parameter, 'field')));
  $('parameters').hidden = route.parameters.length === 0;
  $('common').replaceChildren(...api.parameters.filter((parameter) => parameter.key !== 'token')
    .map((parameter) => rowFor(parameter, 'common')));
  $('raw').hidden = route.method === 'GET' || route.method === 'DELETE';
  $('raw').open = !$('raw').hidden && Boolean(route.body);
  $('body').value = '';
  $('welcome').hidden = true;
  $('request').hidden = false;
  $('answer').hidden = true;
  $('send').textContent = route.method === 'DELETE' ? 'Delete…' : 'Send';
  if (window.matchMedia('(max-width: 52rem)').matches)
    $('picker').open = false;
  showCurl();
}

function showHash() {
  const key = decodeURI(location.hash.slice(1));
  const route = api.routes.find((candidate) => keyOf(candidate) === key);
  if (!route)
    return;
  showRoute(route);
  $('endpoint').focus();
}

// ---- what is sent ----

// The value as JSON has it; an error that names the field when it is none.
function valueOf(parameter, text) {
  switch (parameter.type) {
  case 'integer':
  case 'number':
    if (text.trim() === '' || Number.isNaN(Number(text)))
      throw new Error(`${parameter.key}: '${text}' is no number`);
    return Number(text);
  case 'boolean':
    return text === 'true';
  case 'ids':
    return text.split(',').map((word) => valueOf({ key: parameter.key, type: 'integer' }, word));
  case 'datetime':
    return /^-?\d+$/.test(text) ? Number(text) : text;
  case 'object':
  case 'objects':
  case 'json':
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`${parameter.key}: ${error.message}`);
    }
  default:
    return text;
  }
}

function filled(place, parameters) {
  const list = [];
  for (const parameter of parameters) {
    const input = $(`${place}-${parameter.key}`);
    if (parameter.type === 'file' ? input.files.length : input && input.value !== '')
      list.push({ parameter, input });
  }
  return list;
}

function pathNow() {
  return current.path.replace(/\{(\w+)\}/g, (whole, name) => encodeURIComponent($(`id-${name}`).value.trim()) || whole);
}

function bodyNow(fields) {
  if (current.parameters.some((parameter) => parameter.type === 'file')) {
    const form = new FormData();
    for (const { parameter, input } of fields)
      form.append(parameter.key, parameter.type === 'file' ? input.files[0] : input.value);
    return form;
  }
  const object = {};
  for (const { parameter, input } of fields)
    object[parameter.key] = valueOf(parameter, input.value);
  return JSON.stringify(object);
}

// { method, url, body }: reads take their parameters in the query, writes in a body.
function requestNow() {
  const fields = filled('field', current.parameters);
  const query = new URLSearchParams();
  const raw = $('raw').open && $('body').value.trim();
  const inQuery = current.method === 'GET' || current.method === 'DELETE' || raw;
  for (const { parameter, input } of filled('common', api.parameters))
    query.append(parameter.key, input.value);
  if (inQuery) {
    for (const { parameter, input } of fields)
      query.append(parameter.key, parameter.type === 'ids' ? input.value.replace(/\s/g, '') : input.value);
  }
  const text = query.toString();
  const body = raw || (inQuery ? undefined : bodyNow(fields));
  return { method: current.method, url: api.base + pathNow() + (text ? `?${text}` : ''), body };
}

const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

function showCurl() {
  try {
    const request = requestNow();
    const words = ['curl'];
    if (request.method !== 'GET')
      words.push('-X', request.method);
    if (token())
      words.push('-H "X-TrackerToken: $TOKEN"');
    if (typeof request.body === 'string')
      words.push('-H', quoted('Content-Type: application/json'), '-d', quoted(request.body));
    else if (request.body)
      for (const [key, value] of request.body)
        words.push('-F', quoted(value instanceof File ? `${key}=@${value.name}` : `${key}=${value}`));
    words.push(quoted(location.origin + request.url));
    $('curl').textContent = words.join(' ');
  } catch (error) {
    $('curl').textContent = error.message;
  }
}

// ---- the answer ----

function pretty(type, text) {
  if (!type.startsWith('application/json'))
    return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch (error) {
    return text;
  }
}

function showAnswer(status, good, headers, text) {
  $('status').textContent = status;
  $('status').className = good ? 'good' : 'bad';
  $('header-list').textContent = headers;
  $('headers').hidden = !headers;
  $('result').textContent = text;
  $('result').hidden = !text;
  $('answer').hidden = false;
  $('answer').scrollIntoView({ block: 'nearest' });
}

async function send() {
  const started = performance.now();
  $('send').disabled = true;
  try {
    const request = requestNow();
    const response = await fetch(request.url,
      { method: request.method, body: request.body, headers: headersFor(request.body) });
    const text = await response.text();
    const ms = Math.round(performance.now() - started);
    const size = new Blob([text]).size;
    showAnswer(`${response.status} ${response.statusText}, ${ms} ms, ${size} bytes`, response.ok,
      [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n'),
      pretty(response.headers.get('Content-Type') || '', text));
  } catch (error) {
    showAnswer(error.message, false, '', '');
  } finally {
    $('send').disabled = false;
  }
  for (const name of idsOf(current))
    sessionStorage.setItem(`id ${name}`, $(`id-${name}`).value.trim());
}

function sendOrAsk(event) {
  event.preventDefault();
  if (current.method !== 'DELETE') {
    send();
    return;
  }
  $('question').textContent = `Delete ${pathNow()}? Nothing brings it back.`;
  $('confirm').returnValue = '';
  $('confirm').showModal();
}

// ---- all of it ----

async function start() {
  const response = await fetch('console.json');
  api = await response.json();
  $('version').textContent = api.version;
  $('token').value = token();
  listEndpoints();
  filterEndpoints();
  $('filter').addEventListener('input', filterEndpoints);
  $('request').addEventListener('submit', sendOrAsk);
  $('request').addEventListener('input', showCurl);
  $('request').addEventListener('reset', () => setTimeout(showCurl));
  $('confirm').addEventListener('close', () => $('confirm').returnValue === 'yes' && send());
  $('who').addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem('token', $('token').value.trim());
    showPerson();
    if (current)
      showCurl();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName))
      return;
    event.preventDefault();
    $('picker').open = true;
    $('filter').focus();
  });
  window.addEventListener('hashchange', showHash);
  showPerson();
  showHash();
  document.documentElement.dataset.ready = 'yes';
}

start().catch((error) => {
  $('welcome').textContent = `The server's tables could not be read: ${error.message}`;
  $('welcome').className = 'bad';
});
