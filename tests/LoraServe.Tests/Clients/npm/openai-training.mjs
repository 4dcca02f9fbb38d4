// node openai-training.mjs BASE_URL DATA: from a file to an answer of the adapter that was trained on it, as one JSON object.
import OpenAI, { toFile } from "openai";
import { errorOf } from "./script.mjs";

const [baseURL, data] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "unused" });
const hyperparameters = { batch_size: 2, lora: { r: 2, steps: 2, learning_rate: 0.01 } };
const request = { model: "loraserve-demo", metadata: { origin: "npm" }, suffix: "npm" };
const method = (hyperparameters) => ({ type: "supervised", supervised: { hyperparameters } });

const uploaded = await client.files.create({ file: await toFile(Buffer.from(data), "sql.jsonl"), purpose: "fine-tune" });
const file = await client.files.waitForProcessing(uploaded.id);
const content = await (await client.files.content(file.id)).text();
const job = await client.fineTuning.jobs.create({ ...request, training_file: file.id, method: method(hyperparameters) });
const paused = await client.fineTuning.jobs.pause(job.id);
await client.fineTuning.jobs.resume(job.id);
const ended = await end(job.id);
const [events, checkpoints, jobs, files] = [[], [], [], []];
for await (const event of client.fineTuning.jobs.listEvents(job.id, { limit: 2 })) events.push(event);
for await (const checkpoint of client.fineTuning.jobs.checkpoints.list(job.id)) checkpoints.push(checkpoint);
for await (const found of client.fineTuning.jobs.list({ metadata: { origin: "npm" } })) jobs.push(found);
for await (const found of client.files.list({ limit: 1, purpose: "fine-tune" })) files.push(found);
const answer = await client.completions.create({ model: ended.fine_tuned_model, prompt: "Which products", max_tokens: 2 });
const error = await errorOf(client.fineTuning.jobs.create({ ...request, training_file: file.id, method: method({ batch_size: 0 }) }));
const { deleted } = await client.files.delete(file.id);

process.stdout.write(
  JSON.stringify({
    file_status: file.status,
    content,
    paused: paused.status,
    status: ended.status,
    model: ended.fine_tuned_model,
    events: events.length,
    checkpoints: checkpoints.length,
    listed: jobs.some((found) => found.id === job.id) && files.some((found) => found.id === file.id),
    answered_by: answer.model,
    error,
    deleted,
  }),
  () => process.exit(0),
);

async function end(id) {
  while (true) {
    const job = await client.fineTuning.jobs.retrieve(id);
    if (["succeeded", "failed", "cancelled"].includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
