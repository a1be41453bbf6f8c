#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A stand-in for EventGate made of the packages EventGate itself is made of. What it answers is held to
// recorded answers of the real one (recordings/, test_gateway_contract.py); what it adds are switches for
// faults (POST /_control), counters (GET /_stats) and a file of every accepted event.
//
//   server.js --schemas DIR --accepted FILE [--port N] [--body-limit BYTES] [--kafka HOST:PORT]
'use strict';
const express = require('express');
const bodyParser = require('body-parser');
const fs = require('fs');
const { parseArgs } = require('util');
const { Validator } = require('./validator');
const { Producer } = require('./producer');
const faults = require('./faults');

const { values: options } = parseArgs({ options: {
  port: { type: 'string', default: '0' },
  schemas: { type: 'string' },
  accepted: { type: 'string' },
  'body-limit': { type: 'string', default: '102400' },
  kafka: { type: 'string' },
} });

const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'accept, x-requested-with, content-type',
  'access-control-expose-headers': 'etag',
  'access-control-allow-methods': 'post',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
};
const BODY_TYPES = ['application/json', 'text/plain', 'application/reports+json'];

const control = new faults.Control({ body_limit: Number(options['body-limit']) });
const validator = new Validator(options.schemas);
const producer = options.kafka ? new Producer(options.kafka, control) : null;
const stats = { requests: 0, accepted: 0, invalid: 0, errored: 0, by_status: {} };
const requests = []; // {n, bytes, events, status}: one per POST, for tests that look at what was asked

// Parsers are made per limit, because a test may change the limit while the server runs.
const parsers = new Map();
function parseBody(req, res, next) {
  const limit = control.now.body_limit;
  if (!parsers.has(limit)) {
    parsers.set(limit, bodyParser.json({ limit, type: BODY_TYPES }));
  }
  parsers.get(limit)(req, res, next);
}

// What a kill cut off in the middle was never answered.
function dropTornEnd(file) {
  if (!file || !fs.existsSync(file)) return;
  fs.truncateSync(file, fs.readFileSync(file).lastIndexOf('\n') + 1);
}
dropTornEnd(options.accepted);

function accept(events, n) {
  stats.accepted += events.length;
  if (!options.accepted || !events.length) return;
  const lines = events.map((event) => JSON.stringify({
    request: n, id: event.meta && event.meta.id, time: Date.now() / 1000, event }));
  fs.appendFileSync(options.accepted, lines.join('\n') + '\n');
}

// One event's way: schema, then the test's own errors, then the broker.
async function handle(events) {
  const outcome = { success: [], invalid: [], error: [] };
  const valid = [];
  for (const event of events) {
    const verdict = validator.check(event);
    if (verdict) {
      outcome[verdict.status].push(verdict);
    } else {
      valid.push(event);
    }
  }
  const messages = await produce(valid);
  valid.forEach((event, i) => {
    if (messages[i]) {
      outcome.error.push({ status: 'error', event, context: { message: messages[i] } });
    } else {
      outcome.success.push(event);
    }
  });
  return outcome;
}

// Answers one message per event: an error, or null where the event was taken.
async function produce(events) {
  const hang = control.now.kafka_hang;
  if (hang && events.length) {
    await faults.sleep(hang === true ? 5000 : hang);
    return events.map(() => 'message timed out');
  }
  const errors = events.map((event) => control.errorFor(event));
  if (!producer) {
    return errors.map((message, i) => message || badTopic(events[i]));
  }
  const rest = events.filter((_, i) => !errors[i]);
  const answers = await producer.send(rest);
  return errors.map((message) => message || answers.shift());
}

// Without a broker only the topic's name is looked at.
function badTopic(event) {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(event.meta.stream) ? null : 'invalid topic';
}

function answer(res, status, reason, body) {
  res.statusMessage = reason;
  res.status(status);
  if (body) res.json(body); else res.end();
}

function answerOutcome(res, total, { success, invalid, error }) {
  const failed = invalid.length + error.length;
  const counts = `(${invalid.length} invalid and ${error.length} errored).`;
  if (!failed) {
    answer(res, 201, `All ${total} out of ${total} events were accepted.`);
  } else if (invalid.length === total) {
    answer(res, 400, `${total} out of ${total} events were invalid and not accepted.`, { invalid });
  } else if (success.length) {
    answer(res, 207, `${success.length} out of ${total} events were accepted, but ${failed} failed ${counts}`,
      { invalid, error });
  } else {
    answer(res, 500, `${total} out of ${total} events had failures and were not accepted. ${counts}`,
      { invalid, error });
  }
}

async function postEvents(req, res) {
  const body = req.body;
  const events = Array.isArray(body) ? body : [body];
  if (!body || !Object.keys(body).length) {
    answer(res, 400, 'Request body was empty. Must provide JSON encoded events.');
    return;
  }
  req.record.events = events.length;
  const hasty = Boolean(req.query.hasty);
  if (hasty) answer(res, 202, `${events.length} events hastily received.`);
  const outcome = await handle(events);
  accept(outcome.success, req.record.n);
  stats.invalid += outcome.invalid.length;
  stats.errored += outcome.error.length;
  if (!hasty) answerOutcome(res, events.length, outcome);
}

function count(req, res, next) {
  stats.requests += 1;
  req.record = { n: stats.requests, bytes: Number(req.headers['content-length'] || 0), events: 0, status: 0,
    encoding: req.headers['content-encoding'] || null };
  requests.push(req.record);
  res.on('finish', () => {
    req.record.status = res.statusCode;
    stats.by_status[res.statusCode] = (stats.by_status[res.statusCode] || 0) + 1;
  });
  next();
}

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.use((req, res, next) => { res.set(HEADERS); next(); });
app.get('/_info', (req, res) => res.json({
  name: 'eventgate', version: '1.8.4',
  description: 'Event intake service - POST JSONSchemaed events, validate, and produce.',
  home: 'https://github.com/wikimedia/eventgate',
}));
app.post('/_control', express.json(), (req, res) => res.json(control.set(req.body)));
app.get('/_stats', (req, res) => res.json({ ...stats, faults_left: control.left }));
app.get('/_requests', (req, res) => res.json(requests));
app.post('/v1/events', count, (req, res, next) => control.before(req, res, next), parseBody,
  (req, res, next) => { postEvents(req, res).catch(next); });
// Whatever the body parser throws is a 500 with the error's name as the title, too large bodies included.
app.use((err, req, res, next) => {
  if (res.headersSent) { next(err); return; }
  res.status(500).json({ status: 500, type: 'internal_error', title: err.name, detail: err.message,
    method: req.method, uri: req.originalUrl });
});

const server = app.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`listening ${server.address().port}`);
});
server.requestTimeout = 0;
