// Reads messages with the official JavaScript client. Runs in the folder that holds its node_modules.
// stdin:  {"url", "config": {"secret"?}, "messages": [{"format", "topic", "context"?, "conf"?, "hex"}]}
// stdout: [{"value"} or {"error"}], in the same order. Protobuf messages are in Protobuf's JSON, by the schema's own names.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const client = require("@confluentinc/schemaregistry");
const { toJson } = require("@bufbuild/protobuf");

const given = JSON.parse(readFileSync(0, "utf8"));
client.LocalKmsDriver.register();
client.FieldEncryptionExecutor.register();
client.EncryptionExecutor.register();
const registry = client.SchemaRegistryClient.newClient({ baseURLs: [given.url], maxRetries: 0 });
const kinds = { AVRO: client.AvroDeserializer, JSON_SR: client.JsonDeserializer, PROTOBUF: client.ProtobufDeserializer };
const made = new Map();

// JSON Schema is checked, too. Ajv's strict mode refuses Connect's own keywords ("connect.index"), so it has to be off.
const checked = { validate: true, strict: false };

/** One deserializer for a format and a context, as an application would have it. */
function deserializer({ format, context, conf }) {
  const key = JSON.stringify([format, context, conf]);
  if (!made.has(key)) {
    const qualified = context && { subjectNameStrategy: (topic) => `:.${context}:${topic}-value` };
    const all = { ruleConfig: given.config, ...(format === "JSON_SR" && checked), ...qualified, ...conf };
    made.set(key, new kinds[format](registry, client.SerdeType.VALUE, all));
  }
  return made.get(key);
}

function plain(reader, value) {
  if (!value.$typeName) return value;
  return toJson(reader.fileRegistry.getMessage(value.$typeName), value, { useProtoFieldName: true });
}

const results = [];
for (const message of given.messages) {
  try {
    const reader = deserializer(message);
    results.push({ value: plain(reader, await reader.deserialize(message.topic, Buffer.from(message.hex, "hex"))) });
  } catch (error) {
    results.push({ error: `${error.name}: ${error.message}` });
  }
}
process.stdout.write(JSON.stringify(results));
