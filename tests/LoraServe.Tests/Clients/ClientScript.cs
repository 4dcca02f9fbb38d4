using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Clients;

/// <summary>What the clients of this process ask the scripted model, and how cases wait for the server: npm/script.mjs for the others.</summary>
internal static class ClientScript
{
    public const string GreetMe = "Greet me:\n";
    public const string Forever = "Sing forever";
    public const string Endless = "<|endless|>";
    public const int ManyTokens = 20_000;
    public const int BeyondContext = 100_000;
    public const string ToolName = "get_weather";
    public const string ToolDescription = "The weather of the next days";
    public const string ToolResult = """{"sky": "clear"}""";
    public const string ToolParameters =
        """{"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}""";

    // Two sequences run, then two more wait, and the queue is full. The load alone does not tell those that are on their way to the engine.
    private static readonly string[] Filled = ["vllm:num_requests_running", "vllm:num_requests_waiting"];

    /// <summary>The server's load when no request is left.</summary>
    public static Task<int> IdleAsync(string baseUrl) => LoadAsync(baseUrl, 0);

    /// <summary>Fills the server's queue, runs a call, and empties the queue when it is told of the first answer.</summary>
    /// <returns>The call's result with the statuses of all answers.</returns>
    public static async Task<object> WithFullQueueAsync(string baseUrl, Func<Func<int, Task>, Task<object>> call)
    {
        using var client = new HttpClient();
        using var patience = new CancellationTokenSource();
        var request = new { prompt = Endless, max_tokens = ManyTokens, n = 2 };
        var others = new List<Task>();
        var statuses = new List<int>();
        try
        {
            foreach (var gauge in Filled)
            {
                others.Add(OccupyAsync());
                await WaitUntilAsync(baseUrl, gauge, 2);
            }

            var result = JsonSerializer.SerializeToNode(await call(AnsweredAsync))!;
            result["statuses"] = JsonSerializer.SerializeToNode(statuses);
            return result;
        }
        finally
        {
            await ReleaseAsync();
        }

        // On a busy machine even many tokens may be through before the call, so that whoever occupies the server comes again.
        async Task OccupyAsync()
        {
            while (!patience.IsCancellationRequested)
            {
                using var response = await client.PostAsJsonAsync($"{baseUrl}/completions", request, patience.Token);
            }
        }

        async Task AnsweredAsync(int status)
        {
            statuses.Add(status);
            await ReleaseAsync();
        }

        async Task ReleaseAsync()
        {
            await patience.CancelAsync();
            foreach (var other in others) await other.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await IdleAsync(baseUrl);
        }
    }

    private static async Task WaitUntilAsync(string baseUrl, string gauge, int expected)
    {
        using var client = new HttpClient();
        await LoraServeServer.EventuallyAsync(async () =>
        {
            var metrics = await client.GetStringAsync(new Uri(new Uri(baseUrl), "/metrics"));
            var line = metrics.Split('\n').FirstOrDefault(line => line.StartsWith(gauge, StringComparison.Ordinal)) ?? "";
            return line.EndsWith($" {expected}", StringComparison.Ordinal);
        });
    }

    private static async Task<int> LoadAsync(string baseUrl, int expected)
    {
        using var client = new HttpClient();
        var load = -1;
        await LoraServeServer.EventuallyAsync(async () =>
        {
            load = (await client.GetFromJsonAsync<JsonElement>(new Uri(new Uri(baseUrl), "/load"))).GetProperty("server_load").GetInt32();
            return load == expected;
        });
        return load;
    }
}
