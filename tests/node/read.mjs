// Reads messages with the official JavaScript client. Runs in the folder that holds its node_modules.
// stdin:  {"url", "config": {"secret"}?, "messages": [{"format", "topic", "context"?, "hex"}]}
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

/** One deserializer for a format and a context, as an application would have it. */
function deserializer(format, context) {
  const key = `${format} ${context ?? ""}`;
  if (!made.has(key)) {
    const qualified = context && { subjectNameStrategy: (topic) => `:.${context}:${topic}-value` };
    const conf = { ruleConfig: given.config ?? {}, ...(format === "JSON_SR" && { validate: true, strict: false }), ...qualified };
    made.set(key, new kinds[format](registry, client.SerdeType.VALUE, conf));
  }
  return made.get(key);
}

function plain(reader, value) {
  if (!value.$typeName) return value;
  return toJson(reader.fileRegistry.getMessage(value.$typeName), value, { useProtoFieldName: true });
}

const results = [];
for (const { format, topic, context, hex } of given.messages) {
  try {
    const reader = deserializer(format, context);
    results.push({ value: plain(reader, await reader.deserialize(topic, Buffer.from(hex, "hex"))) });
  } catch (error) {
    results.push({ error: `${error.name}: ${error.message}` });
  }
}
process.stdout.write(JSON.stringify(results));
