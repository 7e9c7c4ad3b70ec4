# SPDX-License-Identifier: GPL-2.0-or-later
"""The API console at `/`, used as a person would: in a browser, by mouse, keyboard and on a phone."""
import json
import os
import re

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from conftest import DEADLINE, storyfs

SIZES = {'desk': (1280, 900), 'phone': (390, 844)}
FLAGS = ('--headless=new', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--no-proxy-server')


class Browser:
    def __init__(self, profile, size):
        options = Options()
        options.binary_location = '/usr/bin/chromium'
        for flag in (*FLAGS, f'--user-data-dir={profile}', f'--window-size={size[0]},{size[1]}'):
            options.add_argument(flag)
        if os.geteuid() == 0:
            options.add_argument('--no-sandbox')
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(service=Service('/usr/bin/chromedriver'), options=options)
        self.driver.set_page_load_timeout(DEADLINE)
        # Headless windows have a least width of their own; a phone's is set from within.
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': size[0], 'height': size[1], 'deviceScaleFactor': 1, 'mobile': size[0] < 500})

    def open(self, server, hash_=''):
        self.driver.get(f'http://{server.host}:{server.port}/{hash_}')
        self.wait(lambda: self.script('return document.documentElement.dataset.ready'))

    def script(self, text, *args):
        return self.driver.execute_script(text, *args)

    def wait(self, condition):
        return WebDriverWait(self.driver, DEADLINE).until(lambda _: condition())

    def find(self, name):
        return self.driver.find_element(By.ID, name)

    def text(self, name):
        return self.find(name).text

    def use(self, token):
        self.find('token').clear()
        self.find('token').send_keys(token + Keys.ENTER)
        self.wait(lambda: self.text('person'))

    def pick(self, method, path):
        """By filter and click, as a person does."""
        if not self.find('picker').get_attribute('open'):
            self.driver.find_element(By.CSS_SELECTOR, '#picker > summary').click()
        self.find('filter').clear()
        self.find('filter').send_keys(f'{method} {path}'.lower())
        links = [a for a in self.driver.find_elements(By.CSS_SELECTOR, '#endpoints a')
                 if a.is_displayed() and a.text.split() == [method, path]]
        assert len(links) == 1
        links[0].click()
        self.wait(lambda: self.text('path') == path and self.text('method') == method)

    def fill(self, **values):
        for name, value in values.items():
            self.find(name).clear()
            self.find(name).send_keys(value)

    def send(self):
        self.find('send').click()
        return self.answer()

    def answer(self):
        self.wait(lambda: self.find('send').is_enabled() and self.find('answer').is_displayed())
        status = self.text('status')
        text = self.find('result').text
        return int(status.split()[0]), json.loads(text) if text else None

    def complaints(self):
        """What the page itself did wrong: scripts, the security policy. Refusals of requests are logged, too."""
        return [e['message'] for e in self.driver.get_log('browser')
                if 'the server responded with a status of 4' not in e['message']]


@pytest.fixture(scope='module', params=SIZES)
def browser(request, tmp_path_factory):
    b = Browser(tmp_path_factory.mktemp('chromium'), SIZES[request.param])
    yield b
    b.driver.quit()


@pytest.fixture
def page(browser, server):
    browser.open(server)
    yield browser
    assert browser.complaints() == []
    browser.script('sessionStorage.clear()')


def test_it_lists_every_endpoint_of_the_tables(page):
    listed = [tuple(a.get_attribute('textContent').split('/', 1)) for a in
              page.driver.find_elements(By.CSS_SELECTOR, '#endpoints a')]
    routes = [line.split()[:2] for line in storyfs('schema', '--routes').stdout.splitlines()]
    assert routes and sorted(listed) == sorted((method, path[1:]) for method, path in routes)


def test_a_person_reads_writes_and_deletes(page, server):
    page.use(server.token)
    assert page.text('person') == 'Emperor Palpatine'
    page.pick('POST', '/projects/{project}/stories')
    page.fill(**{'id-project': '99', 'field-name': 'From the console', 'field-owner_ids': '100, 101'})
    Select(page.find('field-story_type')).select_by_visible_text('chore')
    page.fill(**{'field-labels': '[{"name": "rnd"}]'})
    status, story = page.send()
    assert status == 200
    assert story['name'] == 'From the console' and story['story_type'] == 'chore'
    assert story['owner_ids'] == [100, 101] and [label['name'] for label in story['labels']] == ['rnd']

    page.pick('GET', '/projects/{project}/stories/{story}')
    assert page.find('id-project').get_attribute('value') == '99', 'ids that were typed are kept'
    page.fill(**{'id-story': str(story['id'])})
    page.driver.find_element(By.CSS_SELECTOR, '#shape > summary').click()
    page.fill(**{'common-fields': 'name,owners(name)'})
    assert page.send() == (200, {'id': story['id'], 'name': 'From the console',
                                 'owners': [{'id': 100, 'name': 'Emperor Palpatine'},
                                            {'id': 101, 'name': 'Darth Vader'}]})

    page.pick('DELETE', '/projects/{project}/stories/{story}')
    page.find('send').click()
    assert str(story['id']) in page.text('question')
    page.driver.find_element(By.CSS_SELECTOR, '#confirm button[value=no]').click()
    assert server.request('GET', f'/stories/{story["id"]}').status == 200, 'nothing is deleted unasked'
    page.find('send').click()
    page.find('really').click()
    assert page.answer() == (204, None)
    assert server.request('GET', f'/stories/{story["id"]}').status == 404


def test_it_works_by_keyboard_alone(page, server):
    keys = page.driver.switch_to.active_element
    page.script('document.body.focus()')
    page.driver.find_element(By.TAG_NAME, 'body').send_keys('/')
    page.driver.switch_to.active_element.send_keys('get /me' + Keys.TAB)
    keys = page.driver.switch_to.active_element
    assert keys.tag_name == 'a' and keys.text.split() == ['GET', '/me']
    keys.send_keys(Keys.ENTER)
    page.wait(lambda: page.script('return document.activeElement.id') == 'endpoint')
    for _ in range(10):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        if page.script('return document.activeElement.id') == 'send':
            break
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    status, error = page.answer()
    assert status == 403 and error['code'] == 'invalid_authentication'


def test_a_refusal_is_shown_and_a_slip_is_named(page, server):
    page.use(server.token)
    page.pick('PUT', '/projects/{project}/stories/{story}')
    page.fill(**{'id-project': '99', 'id-story': '555', 'field-estimate': 'many'})
    page.find('send').click()
    page.wait(lambda: page.text('status') == "estimate: 'many' is no number")
    page.fill(**{'field-estimate': '7'})
    status, error = page.send()
    assert status == 400 and error['code'] == 'invalid_parameter'
    page.fill(**{'field-estimate': '3'})
    status, story = page.send()
    assert status == 200 and story['estimate'] == 3


def test_a_request_can_be_kept_as_a_link_and_a_command(browser, server):
    browser.open(server, '#PUT%20/projects/%7Bproject%7D/stories/%7Bstory%7D')
    assert browser.text('path') == '/projects/{project}/stories/{story}'
    browser.use(server.token)
    browser.fill(**{'id-project': '99', 'id-story': '556', 'field-name': "It's a lid"})
    browser.driver.find_element(By.CSS_SELECTOR, '#as-curl > summary').click()
    command = browser.text('curl')
    assert server.token not in command
    assert command == ('curl -X PUT -H "X-TrackerToken: $TOKEN" -H \'Content-Type: application/json\' '
                       '-d \'{"name":"It\'\\\'\'s a lid"}\' '
                       f"'http://{server.host}:{server.port}/services/v5/projects/99/stories/556'")
    browser.script('sessionStorage.clear()')


def test_hostile_text_stays_text(page, server):
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    server.request('PUT', '/projects/99/stories/556', {'name': hostile})
    page.use(server.token)
    page.pick('GET', '/stories/{story}')
    page.fill(**{'id-story': '556'})
    assert page.send()[1]['name'] == hostile
    assert page.driver.find_elements(By.CSS_SELECTOR, '#result *') == []


def test_nothing_is_wider_than_the_window(page):
    page.pick('POST', '/projects')
    assert page.script('return document.documentElement.scrollWidth <= window.innerWidth')
    for label in page.driver.find_elements(By.CSS_SELECTOR, 'main label'):
        assert page.script('return document.getElementById(arguments[0].htmlFor) !== null', label)


def test_its_files_come_with_a_policy_and_from_here_alone(server):
    for path, kind in (('/', 'text/html'), ('/console.js', 'text/javascript'), ('/console.css', 'text/css'),
                       ('/console.json', 'application/json')):
        c = server.connect()
        c.request('GET', path)
        response = c.getresponse()
        text = response.read().decode()
        assert response.status == 200 and response.headers['Content-Type'] == f'{kind}; charset=utf-8'
        policy = response.headers['Content-Security-Policy']
        assert policy.startswith("default-src 'none'") and 'unsafe' not in policy and 'http' not in policy
        assert not re.search(r'(src|href)="(https?:)?//|@import|\burl\(', text)
        c.request('GET', path, headers={'If-None-Match': response.headers['ETag']})
        response = c.getresponse()
        assert (response.status, response.read()) == (304, b'')
        c.request('POST', path, body='')
        assert c.getresponse().status == 404
        c.close()
