// Renders chat templates with @huggingface/jinja: reads [{template, context}], prints [{output}] or [{error}] in the same order.
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const compiled = new Map();
const results = cases.map(({ template, context }) => {
  try {
    if (!compiled.has(template)) compiled.set(template, new Template(template));
    return { output: compiled.get(template).render(context) };
  } catch (error) {
    return { error: error.message };
  }
});
console.log(JSON.stringify(results));
