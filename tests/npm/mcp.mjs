// What an agent with the TypeScript SDK does, over HTTP or through a command on stdio; prints what it saw as JSON.
// Arguments: `http` and an address, or `stdio` and a command. The key is in the environment.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [how, target, ...rest] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${process.env.FILMGATE_API_KEY}` };
const transport =
  how === "http"
    ? new StreamableHTTPClientTransport(new URL(target), { requestInit: { headers } })
    : new StdioClientTransport({ command: target, args: rest, env: process.env, stderr: "pipe" });
const client = new Client({ name: "tests", version: "1" });
const saw = { progress: [], errors: "" };
transport.stderr?.on("data", (piece) => (saw.errors += piece));
const onprogress = (seen) => saw.progress.push([seen.progress, seen.total]);

async function called(name, args, options = {}) {
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  if (result.isError) throw new Error(result.content[0].text);
  return result.structuredContent;
}

async function walk() {
  saw.server = client.getServerVersion().name;
  saw.tools = (await client.listTools()).tools.map((tool) => tool.name);
  const task = await called("luma_generate_video", { prompt: "waves [delay=3][steps=6]", duration: 1 });
  saw.ended = await called("luma_wait_task", { task_id: task.task_id }, { onprogress });
  saw.resources = (await client.listResources()).resources.map((resource) => resource.uri);
  const read = await client.readResource({ uri: `filmgate://tasks/${task.task_id}` });
  saw.read = JSON.parse(read.contents[0].text);
  const hanging = await called("luma_generate_video", { prompt: "[hang]", duration: 1 });
  // Giving up a wait leaves the task alone; cancelling it ends it.
  const given = new AbortController();
  const waiting = called("luma_wait_task", { task_id: hanging.task_id }, { signal: given.signal });
  setTimeout(() => given.abort("no more"), 300);
  saw.aborted = await waiting.then(() => "answered", (error) => String(error.message ?? error));
  saw.after = (await called("luma_get_task", { task_id: hanging.task_id })).state;
  saw.cancelled = await called("luma_cancel_task", { task_id: hanging.task_id });
  const wrong = await client.callTool({ name: "luma_generate_video", arguments: { prompt: "a", duration: 99 } });
  saw.wrong = { isError: wrong.isError, text: wrong.content[0].text };
}

try {
  await client.connect(transport);
  await walk();
} catch (error) {
  saw.refused = `${error.constructor.name}: ${error.message}`;
} finally {
  await client.close();
}
console.log(JSON.stringify(saw));
