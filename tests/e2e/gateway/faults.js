// SPDX-License-Identifier: Apache-2.0
// The switches of POST /_control. A setting holds until it is changed; "times": n lets the request faults
// (delay_ms, reset, status, half_close, slow_ms) hold for n requests only. {"clear": true} takes all back.
//
//   delay_ms      wait before the request is looked at
//   reset         "before": RST before anything is accepted; "after": RST once the events are accepted
//   status        answer this status at once, with retry_after (seconds) and reply (a body) if given
//   half_close    send the head of an answer and half of its body, then close
//   slow_ms       trickle the answer, one byte each so many milliseconds
//   error_events  {match, message}: events whose JSON holds `match` are errored with `message`
//   kafka_hang    true or milliseconds: every event waits, then "message timed out"
//   body_limit    largest body in bytes, counted inflated
//   message_timeout_ms  how long the producer into a real broker tries
'use strict';

const REQUEST_FAULTS = ['delay_ms', 'reset', 'status', 'half_close', 'slow_ms'];
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

class Control {
  constructor(initial) {
    this.initial = { message_timeout_ms: 5000, ...initial };
    this.now = { ...this.initial };
    this.left = Infinity;
  }

  set(change) {
    if (change.clear) this.now = { ...this.initial };
    this.left = change.times === undefined ? Infinity : change.times;
    const { clear, times, ...rest } = change;
    Object.assign(this.now, rest);
    return { ...this.now, times: Number.isFinite(this.left) ? this.left : null };
  }

  errorFor(event) {
    const rule = this.now.error_events;
    return rule && JSON.stringify(event).includes(rule.match) ? rule.message : null;
  }

  take() {
    if (!REQUEST_FAULTS.some((name) => this.now[name])) return {};
    const fault = { ...this.now };
    this.left -= 1;
    if (this.left <= 0) {
      REQUEST_FAULTS.forEach((name) => { delete this.now[name]; });
      this.left = Infinity;
    }
    return fault;
  }

  async before(req, res, next) {
    const fault = this.take();
    if (fault.delay_ms) await sleep(fault.delay_ms);
    if (fault.reset === 'before') {
      req.socket.resetAndDestroy();
      return;
    }
    if (fault.status) {
      if (fault.retry_after !== undefined) res.set('retry-after', String(fault.retry_after));
      req.resume();
      req.on('end', () => res.status(fault.status).send(fault.reply || ''));
      return;
    }
    if (fault.reset === 'after') replaceEnd(res, () => req.socket.resetAndDestroy());
    if (fault.half_close) replaceEnd(res, () => halfAnswer(req.socket));
    if (fault.slow_ms) replaceEnd(res, (chunk) => trickle(res, chunk, fault.slow_ms));
    next();
  }
}

// Instead of the answer's end, do something else once everything is decided.
function replaceEnd(res, instead) {
  const end = res.end.bind(res);
  res.end = (chunk) => {
    res.end = end;
    instead(chunk);
    return res;
  };
}

function halfAnswer(socket) {
  socket.write('HTTP/1.1 207 Partly\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"invalid":[{"st');
  setTimeout(() => socket.destroy(), 20);
}

async function trickle(res, chunk, ms) {
  const bytes = Buffer.from(chunk || '');
  res.flushHeaders();
  for (let i = 0; i < bytes.length; i += 1) {
    res.write(bytes.subarray(i, i + 1));
    await sleep(ms);
  }
  if (!bytes.length) await sleep(ms);
  res.end();
}

module.exports = { Control, sleep };
