import OpenAI from "openai";
import { beyondContext, describe, endless, errorOf, forever, greetMe, loadOf, manyTokens, weatherTool, withFullQueue } from "./script.mjs";

export function cases(baseURL) {
  const options = { baseURL, apiKey: "unused" };
  const client = new OpenAI(options);
  const prompt = { model: "scripted", prompt: greetMe, max_tokens: 32 };
  const chat = { model: "scripted", messages: [{ role: "user", content: "Greet me" }] };
  const tools = [{ type: "function", function: weatherTool }];
  const complete = async (fields, request) => completion(await client.completions.create({ ...prompt, ...fields }, request));
  const converse = async (fields, request) => chatCompletion(await client.chat.completions.create({ ...chat, ...fields }, request));

  return {
    completion: () => complete(),
    completion_stream: async () => streamed(await client.completions.create({ ...prompt, stream: true }), (choice) => choice.text),
    completion_stream_usage: async () =>
      streamed(
        await client.completions.create({ ...prompt, stream: true, stream_options: { include_usage: true } }),
        (choice) => choice.text,
      ),
    completion_stop: () => complete({ stop: [" there"] }),
    completion_logprobs: async () => {
      const { logprobs } = (await client.completions.create({ ...prompt, logprobs: 2 })).choices[0];
      return { tokens: logprobs.tokens, logprobs: logprobs.token_logprobs };
    },
    completion_adapter_by_model: () => complete({ model: "pirate" }),
    completion_adapter_by_query: () => complete({}, { query: { adapter: "pirate" } }),
    completion_adapter_by_body: () => complete({ adapter: "pirate" }),
    completion_adapter_conflict: () => errorOf(complete({ adapter: "pirate" }, { query: { adapter: "other" } })),
    completion_adapter_unknown: () => errorOf(complete({ model: "nobody" })),
    completion_context_too_long: () => errorOf(complete({ max_tokens: beyondContext })),
    completion_bad_request: () => errorOf(complete({ max_tokens: -1 })),
    completion_cancel: async () => cancel(await client.completions.create({ ...prompt, prompt: endless, max_tokens: manyTokens, stream: true })),
    completion_retry_429: () =>
      withFullQueue(baseURL, async (fetch) => completion(await new OpenAI({ ...options, fetch }).completions.create(prompt))),

    chat: () => converse(),
    chat_stream: async () => streamed(await client.chat.completions.create({ ...chat, stream: true }), (choice) => choice.delta.content ?? ""),
    chat_stream_usage: async () =>
      streamed(
        await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }),
        (choice) => choice.delta.content ?? "",
      ),
    chat_stop: () => converse({ stop: [" there"] }),
    chat_logprobs: async () => {
      const { logprobs } = (await client.chat.completions.create({ ...chat, logprobs: true, top_logprobs: 2 })).choices[0];
      return { tokens: logprobs.content.map((token) => token.token), logprobs: logprobs.content.map((token) => token.logprob) };
    },
    chat_tools: async () => toolCall((await client.chat.completions.create({ ...chat, tools })).choices[0]),
    chat_tools_stream: async () => {
      const stream = client.chat.completions.stream({ ...chat, tools });
      let parts = 0;
      stream.on("tool_calls.function.arguments.delta", () => parts++);
      return { ...toolCall((await stream.finalChatCompletion()).choices[0]), parts };
    },
    chat_tools_result: async () => {
      const first = (await client.chat.completions.create({ ...chat, tools })).choices[0].message;
      const result = { role: "tool", tool_call_id: first.tool_calls[0].id, content: '{"sky": "clear"}' };
      return converse({ tools, messages: [...chat.messages, first, result] });
    },
    chat_adapter_by_model: () => converse({ model: "pirate" }),
    chat_adapter_by_query: () => converse({}, { query: { adapter: "pirate" } }),
    chat_adapter_by_body: () => converse({ adapter: "pirate" }),
    chat_adapter_conflict: () => errorOf(converse({ adapter: "pirate" }, { query: { adapter: "other" } })),
    chat_adapter_unknown: () => errorOf(converse({ model: "nobody" })),
    chat_context_too_long: () => errorOf(converse({ max_tokens: beyondContext })),
    chat_bad_request: () => errorOf(converse({ max_tokens: -1 })),
    chat_cancel: async () =>
      cancel(
        await client.chat.completions.create({
          ...chat,
          messages: [{ role: "user", content: forever }],
          max_tokens: manyTokens,
          stream: true,
        }),
      ),
    chat_retry_429: () =>
      withFullQueue(baseURL, async (fetch) => chatCompletion(await new OpenAI({ ...options, fetch }).chat.completions.create(chat))),

    models: async () => {
      const ids = [];
      for await (const model of client.models.list()) ids.push(model.id);
      return { ids, one: (await client.models.retrieve("pirate")).id };
    },
  };

  async function cancel(stream) {
    let parts = 0;
    let error = null;
    try {
      for await (const _ of stream) {
        if (++parts === 3) stream.controller.abort();
      }
    } catch (e) {
      error = describe(e);
    }
    return { parts, error, load: await loadOf(baseURL, (load) => load === 0) };
  }
}

function completion(response) {
  const [choice] = response.choices;
  return { text: choice.text, finish_reason: choice.finish_reason, model: response.model, usage: usage(response.usage) };
}

function chatCompletion(response) {
  const [choice] = response.choices;
  return { text: choice.message.content, finish_reason: choice.finish_reason, model: response.model, usage: usage(response.usage) };
}

async function streamed(stream, textOf) {
  const result = { text: "", parts: 0, finish_reason: null, usage: null };
  for await (const chunk of stream) {
    if (chunk.usage) result.usage = usage(chunk.usage);
    for (const choice of chunk.choices) {
      result.text += textOf(choice);
      result.parts += textOf(choice) === "" ? 0 : 1;
      result.finish_reason ??= choice.finish_reason;
    }
  }
  return result;
}

function toolCall(choice) {
  const [call] = choice.message.tool_calls;
  return {
    tool: call.function.name,
    arguments: JSON.parse(call.function.arguments),
    has_id: call.id.length > 0,
    finish_reason: choice.finish_reason,
    content: choice.message.content,
  };
}

function usage({ prompt_tokens, completion_tokens }) {
  return { prompt_tokens, completion_tokens };
}
