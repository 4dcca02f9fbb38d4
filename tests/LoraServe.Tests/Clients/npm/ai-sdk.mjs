import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { beyondContext, describe, errorOf, forever, loadOf, manyTokens, weatherTool, withFullQueue } from "./script.mjs";

// Warnings are for people who watch a terminal.
globalThis.AI_SDK_LOG_WARNINGS = false;

export function cases(baseURL) {
  const provider = (settings) => createOpenAICompatible({ name: "loraserve", baseURL, includeUsage: true, ...settings });
  const tools = { [weatherTool.name]: tool({ description: weatherTool.description, inputSchema: jsonSchema(weatherTool.parameters) }) };

  return { ...casesOf("completion", "completionModel"), ...casesOf("chat", "chatModel"), ...toolCases() };

  function casesOf(kind, factory) {
    const ask = async (fields, { model = "scripted", ...settings } = {}) => {
      const result = await generateText({ model: provider(settings)[factory](model), prompt: "Greet me", maxOutputTokens: 32, ...fields });
      return { text: result.text, finish_reason: result.finishReason, model: result.response.modelId, usage: usage(result.usage) };
    };
    const stream = (fields) => streamText({ model: provider()[factory]("scripted"), onError: () => {}, ...fields });
    const streamed = async () => {
      const result = stream({ prompt: "Greet me" });
      let [text, parts] = ["", 0];
      for await (const part of result.textStream) {
        text += part;
        parts += part === "" ? 0 : 1;
      }
      return { text, parts, finish_reason: await result.finishReason, usage: usage(await result.usage) };
    };
    const byBody = { providerOptions: { loraserve: { adapter: "pirate" } } };

    return {
      [kind]: () => ask(),
      [`${kind}_stream`]: streamed,
      [`${kind}_stream_usage`]: streamed,
      [`${kind}_stop`]: () => ask({ stopSequences: [" there"] }),
      [`${kind}_adapter_by_model`]: () => ask({}, { model: "pirate" }),
      [`${kind}_adapter_by_query`]: () => ask({}, { queryParams: { adapter: "pirate" } }),
      [`${kind}_adapter_by_body`]: () => ask(byBody),
      [`${kind}_adapter_conflict`]: () => errorOf(ask(byBody, { queryParams: { adapter: "other" } })),
      [`${kind}_adapter_unknown`]: () => errorOf(ask({}, { model: "nobody" })),
      [`${kind}_context_too_long`]: () => errorOf(ask({ maxOutputTokens: beyondContext })),
      [`${kind}_bad_request`]: () => errorOf(ask({ topP: 7 })),
      ...(kind === "chat" && { chat_cancel: () => cancel(stream) }),
      [`${kind}_retry_429`]: () => withFullQueue(baseURL, (fetch) => ask({}, { fetch })),
    };
  }

  function toolCases() {
    const model = provider().chatModel("scripted");
    return {
      chat_tools: async () => toolCall(await generateText({ model, tools, prompt: "Greet me" })),
      chat_tools_stream: async () => {
        const result = streamText({ model, tools, prompt: "Greet me" });
        let parts = 0;
        for await (const part of result.fullStream) parts += part.type === "tool-input-delta" ? 1 : 0;
        return { ...toolCall({ toolCalls: await result.toolCalls, finishReason: await result.finishReason, text: await result.text }), parts };
      },
      // Runs the tool by itself and asks again with its result.
      chat_tools_result: async () => {
        const running = { [weatherTool.name]: tool({ ...tools[weatherTool.name], execute: async () => ({ sky: "clear" }) }) };
        const result = await generateText({ model, tools: running, prompt: "Greet me", stopWhen: stepCountIs(3) });
        return { text: result.text, finish_reason: result.finishReason };
      },
    };
  }

  async function cancel(stream) {
    const patience = new AbortController();
    let parts = 0;
    let error = null;
    try {
      const result = stream({ prompt: forever, maxOutputTokens: manyTokens, abortSignal: patience.signal });
      for await (const part of result.fullStream) {
        if (part.type === "text-delta" && ++parts === 3) patience.abort();
        if (part.type === "abort") error = { name: "abort" };
      }
    } catch (e) {
      error = describe(e);
    }
    return { parts, error, load: await loadOf(baseURL, (load) => load === 0) };
  }
}

function toolCall({ toolCalls, finishReason, text }) {
  const [call] = toolCalls;
  return {
    tool: call.toolName,
    arguments: call.input,
    has_id: call.toolCallId.length > 0,
    finish_reason: finishReason,
    content: text === "" ? null : text,
  };
}

function usage({ inputTokens, outputTokens }) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens };
}
