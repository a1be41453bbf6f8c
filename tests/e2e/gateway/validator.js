// SPDX-License-Identifier: Apache-2.0
// Checks one event against the schema its $schema names, as EventGate does: defaults are filled in, and a
// schema that is missing or not "secure" is an error of the event, not an invalid event.
'use strict';
const Ajv = require('ajv');
const fs = require('fs');
const path = require('path');

class Validator {
  constructor(folder) {
    this.folder = folder;
    this.compiled = new Map();
    this.ajv = new Ajv({ allErrors: true, useDefaults: true });
    const draft = { ...require('ajv/lib/refs/json-schema-draft-07.json') };
    draft.$id = 'https://json-schema.org/draft-07/schema#';
    this.ajv.addMetaSchema(draft);
    this.isSecure = new Ajv().compile(require('ajv/lib/refs/json-schema-secure.json'));
  }

  // undefined when the schema cannot be loaded
  find(uri) {
    if (!this.compiled.has(uri)) {
      this.compiled.set(uri, this.load(uri));
    }
    return this.compiled.get(uri);
  }

  load(uri) {
    try {
      const schema = JSON.parse(fs.readFileSync(path.join(this.folder, path.normalize('/' + uri)), 'utf8'));
      if (!this.isSecure(schema)) return undefined;
      return this.ajv.getSchema(schema.$id) || this.ajv.compile(schema);
    } catch (err) {
      return undefined;
    }
  }

  // null, or the entry of the answer's lists: {status: invalid|error, event, context}
  check(event) {
    const uri = event && event.$schema;
    if (!uri) {
      return { status: 'error', event,
        context: { message: 'Field(s) $schema were missing from event and could not be extracted.' } };
    }
    const validate = this.find(uri);
    if (!validate) {
      return { status: 'error', event, context: { message: `Failed loading schema at ${uri}` } };
    }
    if (validate(event)) return null;
    const errors = validate.errors;
    return { status: 'invalid', event,
      context: { errors, errorsText: errors.map((error) => `'${error.dataPath}' ${error.message}`).join(', ') } };
  }
}

module.exports = { Validator };
