// SPDX-License-Identifier: Apache-2.0
// Sends accepted events to a real Kafka: the topic is meta.stream. Like the producer inside EventGate it
// puts the events of one request into one record batch per topic (so a too large one takes its neighbours
// with it), tries for message_timeout_ms, and names errors as librdkafka does, without "Broker:".
'use strict';
const { Kafka, logLevel, CompressionTypes } = require('kafkajs');

const MESSAGES = {
  MESSAGE_TOO_LARGE: 'message size too large',
  RECORD_LIST_TOO_LARGE: 'message size too large',
  INVALID_TOPIC_EXCEPTION: 'invalid topic',
  TOPIC_AUTHORIZATION_FAILED: 'topic authorization failed',
};

const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

class Producer {
  constructor(broker, control) {
    this.control = control;
    this.turn = 0;
    const kafka = new Kafka({ clientId: 'gateway', brokers: [broker], logLevel: logLevel.NOTHING,
      connectionTimeout: 1000, requestTimeout: 3000, enforceRequestTimeout: true, retry: { retries: 0 } });
    this.producer = kafka.producer({
      allowAutoTopicCreation: true,
      createPartitioner: () => ({ partitionMetadata }) => this.turn % partitionMetadata.length,
    });
    this.connected = false;
  }

  // One message per event: null when stored, else the error's text.
  async send(events) {
    const answers = new Array(events.length).fill(null);
    const topics = new Map();
    events.forEach((event, i) => {
      const topic = event.meta.stream;
      if (!topics.has(topic)) topics.set(topic, []);
      topics.get(topic).push(i);
    });
    this.turn += 1;
    await Promise.all([...topics].map(async ([topic, indexes]) => {
      const message = await this.sendTopic(topic, indexes.map((i) => JSON.stringify(events[i])));
      indexes.forEach((i) => { answers[i] = message; });
    }));
    return answers;
  }

  async sendTopic(topic, values) {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic)) return 'invalid topic';
    const deadline = Date.now() + this.control.now.message_timeout_ms;
    for (;;) {
      const left = deadline - Date.now();
      if (left <= 0) return 'message timed out';
      const outcome = await Promise.race([this.attempt(topic, values), sleep(left).then(() => 'late')]);
      if (outcome === 'late') return 'message timed out';
      if (outcome === 'sent') return null;
      if (MESSAGES[outcome]) return MESSAGES[outcome];
      await sleep(200);
    }
  }

  async attempt(topic, values) {
    try {
      if (!this.connected) {
        await this.producer.connect();
        this.connected = true;
      }
      await this.producer.send({ topic, acks: -1, compression: CompressionTypes.None,
        messages: values.map((value) => ({ value })) });
      return 'sent';
    } catch (err) {
      let cause = err;
      while (cause.cause) cause = cause.cause;
      if (!cause.type) {
        this.connected = false;
        await this.producer.disconnect().catch(() => {});
      }
      return cause.type || 'connection';
    }
  }
}

module.exports = { Producer };
