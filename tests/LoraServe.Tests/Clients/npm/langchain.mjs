import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI, OpenAI } from "@langchain/openai";
import { beyondContext, describe, endless, errorOf, forever, greetMe, loadOf, manyTokens, weatherTool, withFullQueue } from "./script.mjs";

export function cases(baseURL) {
  const tools = [{ type: "function", function: weatherTool }];
  const llm = (fields, configuration) =>
    new OpenAI({ model: "scripted", apiKey: "unused", maxTokens: 32, configuration: { baseURL, ...configuration }, ...fields });
  const chat = (fields, configuration) =>
    new ChatOpenAI({ model: "scripted", apiKey: "unused", configuration: { baseURL, ...configuration }, ...fields });
  const complete = async (...options) => {
    const [[generation]] = (await llm(...options).generate([greetMe])).generations;
    return { text: generation.text, finish_reason: generation.generationInfo.finishReason };
  };
  const converse = async (...options) => message(await chat(...options).invoke("Greet me"));

  return {
    completion: () => complete(),
    completion_stream: async () => {
      const result = { text: "", parts: 0 };
      for await (const text of await llm().stream(greetMe)) {
        result.text += text;
        result.parts += text === "" ? 0 : 1;
      }
      return result;
    },
    completion_stop: () => complete({ stop: [" there"] }),
    completion_adapter_by_model: () => complete({ model: "pirate" }),
    completion_adapter_by_query: () => complete({}, { defaultQuery: { adapter: "pirate" } }),
    completion_adapter_by_body: () => complete({ modelKwargs: { adapter: "pirate" } }),
    completion_adapter_conflict: () => errorOf(complete({ modelKwargs: { adapter: "pirate" } }, { defaultQuery: { adapter: "other" } })),
    completion_adapter_unknown: () => errorOf(complete({ model: "nobody" })),
    completion_context_too_long: () => errorOf(complete({ maxTokens: beyondContext })),
    completion_bad_request: () => errorOf(complete({ maxTokens: -2 })),
    completion_cancel: () => cancel((signal) => llm({ maxTokens: manyTokens }).stream(endless, { signal })),
    completion_retry_429: () => withFullQueue(baseURL, (fetch) => complete({}, { fetch })),

    chat: () => converse(),
    chat_stream: async () => streamed(chat({ streamUsage: false })),
    chat_stream_usage: async () => streamed(chat()),
    chat_stop: () => converse({ stop: [" there"] }),
    chat_logprobs: async () => {
      const { content } = (await chat({ logprobs: true, topLogprobs: 2 }).invoke("Greet me")).response_metadata.logprobs;
      return { tokens: content.map((token) => token.token), logprobs: content.map((token) => token.logprob) };
    },
    chat_tools: async () => toolCall(await chat().bindTools(tools).invoke("Greet me")),
    chat_tools_stream: async () => {
      let all = null;
      let parts = 0;
      for await (const chunk of await chat().bindTools(tools).stream("Greet me")) {
        all = all === null ? chunk : all.concat(chunk);
        parts += chunk.tool_call_chunks.filter((call) => call.args).length;
      }
      return { ...toolCall(all), parts };
    },
    chat_tools_result: async () => {
      const bound = chat().bindTools(tools);
      const question = new HumanMessage("Greet me");
      const call = await bound.invoke([question]);
      const result = new ToolMessage({ content: '{"sky": "clear"}', tool_call_id: call.tool_calls[0].id });
      return message(await bound.invoke([question, call, result]));
    },
    chat_adapter_by_model: () => converse({ model: "pirate" }),
    chat_adapter_by_query: () => converse({}, { defaultQuery: { adapter: "pirate" } }),
    chat_adapter_by_body: () => converse({ modelKwargs: { adapter: "pirate" } }),
    chat_adapter_conflict: () => errorOf(converse({ modelKwargs: { adapter: "pirate" } }, { defaultQuery: { adapter: "other" } })),
    chat_adapter_unknown: () => errorOf(converse({ model: "nobody" })),
    chat_context_too_long: () => errorOf(converse({ maxTokens: beyondContext })),
    chat_bad_request: () => errorOf(converse({ maxTokens: -2 })),
    chat_cancel: () => cancel((signal) => chat({ maxTokens: manyTokens }).stream(forever, { signal })),
    chat_retry_429: () => withFullQueue(baseURL, (fetch) => converse({}, { fetch })),
  };

  async function cancel(start) {
    const patience = new AbortController();
    let parts = 0;
    let error = null;
    try {
      for await (const _ of await start(patience.signal)) {
        if (++parts === 3) patience.abort();
      }
    } catch (e) {
      error = describe(e);
    }
    return { parts, error, load: await loadOf(baseURL, (load) => load === 0) };
  }
}

async function streamed(model) {
  let all = null;
  let parts = 0;
  for await (const chunk of await model.stream("Greet me")) {
    parts += chunk.content === "" ? 0 : 1;
    all = all === null ? chunk : all.concat(chunk);
  }
  return { ...message(all), parts };
}

function message({ content, response_metadata, usage_metadata }) {
  return {
    text: content,
    finish_reason: response_metadata.finish_reason,
    model: response_metadata.model_name,
    usage: usage_metadata && { prompt_tokens: usage_metadata.input_tokens, completion_tokens: usage_metadata.output_tokens },
  };
}

function toolCall({ tool_calls, response_metadata, content }) {
  const [call] = tool_calls;
  return {
    tool: call.name,
    arguments: call.args,
    has_id: call.id.length > 0,
    finish_reason: response_metadata.finish_reason,
    content: content === "" ? null : content,
  };
}
