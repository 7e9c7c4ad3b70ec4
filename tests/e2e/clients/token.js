// SPDX-License-Identifier: GPL-2.0-or-later
// What pivotaltracker's example get-token.js means to do; as it is published, it does not parse.
'use strict';

require('pivotaltracker').getToken(process.argv[2], process.argv[3], (error, token) => {
  if (error)
    throw error;
  console.log(token);
});
