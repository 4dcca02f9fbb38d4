// Asks an adapter a question and writes the answer as it comes.
//   npm install --prefix samples/javascript
//   node samples/javascript/client.mjs ["question" [adapter]]
// LORASERVE_URL names the server, LORASERVE_KEY a key, if the server asks for one.
import OpenAI from "openai";

const { LORASERVE_URL: url = "http://localhost:8080", LORASERVE_KEY: apiKey = "unused" } = process.env;
const [content = "Which products cost less than 59 euros?", model = "sql"] = process.argv.slice(2);

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey });
const stream = await client.chat.completions.create({ model, messages: [{ role: "user", content }], stream: true });
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
console.log();
