// What every client asks the scripted model, and how cases wait for the server.
export const greetMe = "Greet me:\n";
export const forever = "Sing forever";
export const endless = "<|endless|>";
export const manyTokens = 20000;
export const beyondContext = 100000;

export const weatherTool = {
  name: "get_weather",
  description: "The weather of the next days",
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city"],
  },
};

// What a person sees of an error.
export async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return describe(error);
  }
  return { unexpected: "no error" };
}

export function describe(error) {
  const body = error.error ?? error.data?.error ?? {};
  return {
    class: error.constructor.name,
    name: error.name,
    message: error.message,
    status: error.status ?? error.statusCode,
    code: error.code ?? body.code,
    param: error.param ?? body.param,
    type: error.type ?? body.type,
  };
}

// The server's load once it is an accepted one, or after a while whatever it is.
export async function loadOf(baseUrl, accepts) {
  for (let attempt = 0; ; attempt++) {
    const { server_load } = await (await fetch(new URL("/load", baseUrl))).json();
    if (accepts(server_load) || attempt === 1500) return server_load;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Waits until so many sequences do this; the load alone does not tell those that are on their way to the engine from those in its queue.
async function waitUntil(baseUrl, gauge, expected) {
  for (let attempt = 0; ; attempt++) {
    const metrics = await (await fetch(new URL("/metrics", baseUrl))).text();
    const [, found] = metrics.match(new RegExp(`^${gauge}(?:\\{.*\\})? (.*)$`, "m")) ?? [];
    if (Number(found) === expected) return;
    if (attempt === 1500) throw new Error(`${gauge} is ${found}, not ${expected}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Fills the server's queue, runs a call whose fetch is given, and empties the queue when that call was sent away for the first time. On a
// busy machine even many tokens may be through by then, so that whoever occupies the server comes again until it is emptied.
export async function withFullQueue(baseUrl, call) {
  const patience = new AbortController();
  const occupy = async () => {
    const request = { method: "POST", body: JSON.stringify({ prompt: endless, max_tokens: manyTokens, n: 2 }), signal: patience.signal };
    while (!patience.signal.aborted) await fetch(`${baseUrl}/completions`, request).then((response) => response.text(), () => {});
  };
  const others = [];
  const statuses = [];
  const recording = async (...request) => {
    const response = await fetch(...request);
    statuses.push(response.status);
    if (!patience.signal.aborted) {
      patience.abort();
      await Promise.all(others);
      await loadOf(baseUrl, (load) => load === 0);
    }
    return response;
  };
  try {
    for (const gauge of ["vllm:num_requests_running", "vllm:num_requests_waiting"]) {
      others.push(occupy());
      await waitUntil(baseUrl, gauge, 2);
    }
    return { ...(await call(recording)), statuses };
  } finally {
    patience.abort();
    await Promise.all(others);
    await loadOf(baseUrl, (load) => load === 0);
  }
}
