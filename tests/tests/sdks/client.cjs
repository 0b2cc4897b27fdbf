// The JavaScript SDK of CloudEvents as a client: `client.cjs send URL` and `client.cjs read`, as in client.py.

const { CloudEvent, HTTP } = require("cloudevents");
const { readFileSync } = require("node:fs");

const PAYLOADS = [
  ["object", "application/json", { amount: 12.5, name: "größe", list: [1, null, true] }],
  ["text", "text/plain", "a line\nand another"],
  ["bytes", "application/octet-stream", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
  ["none", undefined, undefined],
];

function event(id, datacontenttype, data) {
  return new CloudEvent({
    id,
    source: "/sdk/javascript",
    type: "sdk.event",
    subject: "size 100 %",
    time: "2026-03-01T12:00:00.123Z",
    dataschema: "https://example.com/schema",
    datacontenttype,
    tenant: "a b",
    tracestate: "",
    data,
  });
}

function shown(event) {
  const { data, data_base64, ...attributes } = event.toJSON();
  const bytes = data instanceof Uint8Array ? Buffer.from(data).toString("base64") : data_base64;
  for (const name of Object.keys(attributes)) if (attributes[name] === undefined) delete attributes[name];
  return { attributes, data: bytes === undefined ? (data ?? null) : { base64: bytes } };
}

async function post(url, message) {
  const answer = await fetch(url, { method: "POST", headers: message.headers, body: message.body });
  return { status: answer.status, reason: answer.ok ? "" : await answer.text() };
}

async function send(url) {
  const sent = [];
  for (const [name, type, data] of PAYLOADS) {
    for (const mode of ["structured", "binary"]) {
      const one = event(`${name}-${mode}`, type, data);
      sent.push({ ...shown(one), ...(await post(url, HTTP[mode](one))) });
    }
  }
  return sent;
}

function read(lines) {
  const headers = { "content-type": "application/cloudevents+json" };
  return lines.map((body) => shown(HTTP.toEvent({ headers, body })));
}

async function main([action, url]) {
  const lines = () => readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
  console.log(JSON.stringify(action === "send" ? await send(url) : read(lines())));
}

main(process.argv.slice(2));
