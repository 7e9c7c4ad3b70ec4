// SPDX-License-Identifier: GPL-2.0-or-later
// `node --require redirect.js SCRIPT`: connections to the public service's host go to V5_PORT of this machine,
// as an entry in /etc/hosts and a port of its own would make them. The client is not touched.
'use strict';

const tls = require('tls');
const util = require('util');

// What the client's examples print of its objects has the values in it, not just that they have some.
util.inspect.defaultOptions.getters = true;

const original = tls.connect;

tls.connect = function connect(options, ...rest) {
  if (options && options.host === 'www.pivotaltracker.com')
    options = { ...options, host: '127.0.0.1', port: Number(process.env.V5_PORT), servername: options.host };
  return original.call(this, options, ...rest);
};
