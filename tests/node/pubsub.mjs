// Subscribes with somebody else's client of the Pub/Sub API (salesforce-pubsub-api-client). Runs in the folder that holds
// its node_modules.
// stdin:  {"config": {…}, "topic", "count", "replayId"?}
// stdout: {"events": [{"replayId", "id", "payload"}], "said": […]}: as many events as asked for, and what else it said.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const given = JSON.parse(readFileSync(0, "utf8"));
const { default: Client } = await import(pathToFileURL(require.resolve("salesforce-pubsub-api-client").replace(/\.cjs$/, ".js")));
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const client = new Client(given.config, silent);
await client.connect();
const events = [];
const said = [];

let over = false;

function done() {
  if (over) return;
  over = true;
  const text = (_key, value) => (typeof value === "bigint" ? Number(value) : value);
  process.stdout.write(JSON.stringify({ events, said }, text), () => process.exit(0));
}

function heard(subscription, type, data) {
  if (type === "event") events.push({ replayId: data.replayId, id: data.id, payload: data.payload });
  else said.push(type === "error" ? `error: ${data?.details ?? data?.message} ${data?.cause ?? ""}` : type);
  if (type === "error" || type === "end" || events.length >= given.count) done();
}

// Without a number it asks again and again, 100 at a time.
if (given.replayId === undefined) client.subscribeFromEarliestEvent(given.topic, heard);
else client.subscribeFromReplayId(given.topic, heard, null, given.replayId);
