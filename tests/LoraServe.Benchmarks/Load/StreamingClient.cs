using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Benchmarks.Load;

/// <summary>Requests completions as server-sent events, and records when each token arrives.</summary>
internal sealed class StreamingClient(HttpClient http, LoadOptions options)
{
    private const string Event = "data: ";
    private const string End = "[DONE]";
    private const int LongestReason = 200;

    /// <summary>Sends one request and reads its answer; errors are part of the result.</summary>
    public async Task<LoadedRequest> CompleteAsync(string adapter, string prompt, int maxTokens, CancellationToken cancellationToken)
    {
        var times = new List<TimeSpan>();
        try
        {
            return new LoadedRequest(adapter, times, await StreamAsync(adapter, prompt, maxTokens, times, cancellationToken));
        }
        catch (OperationCanceledException)
        {
            return new LoadedRequest(adapter, times, "not finished within the time limit");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return new LoadedRequest(adapter, times, e.Message);
        }
    }

    private async Task<string?> StreamAsync(
        string adapter, string prompt, int maxTokens, List<TimeSpan> times, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var address = new Uri(options.Url, "v1/completions");
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = Body(adapter, prompt, maxTokens) };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            var reason = await response.Content.ReadAsStringAsync(cancellationToken);
            return $"{(int)response.StatusCode}: {(reason.Length > LongestReason ? reason[..LongestReason] : reason)}";
        }

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith(Event, StringComparison.Ordinal)) continue;
            var data = line[Event.Length..];
            if (data == End) return null;
            var (tokens, error) = Read(data);
            if (error is not null) return error;
            times.AddRange(Enumerable.Repeat(Stopwatch.GetElapsedTime(start), tokens));
        }

        return $"the stream ended without {End}";
    }

    // Counts token ids, not text: a token may add no text yet, as with half a character or the beginning of a stop string.
    private JsonContent Body(string adapter, string prompt, int maxTokens) => JsonContent.Create(new Dictionary<string, object?>
    {
        ["prompt"] = prompt,
        ["adapter"] = adapter == LoadOptions.Base ? null : adapter,
        ["max_tokens"] = maxTokens,
        ["temperature"] = 0,
        ["ignore_eos"] = options.IgnoreEos,
        ["stream"] = true,
        ["return_token_ids"] = true,
    }.Where(field => field.Value is not null).ToDictionary());

    private static (int Tokens, string? Error) Read(string data)
    {
        using var json = JsonDocument.Parse(data);
        if (json.RootElement.TryGetProperty("error", out var error)) return (0, error.GetRawText());
        var tokens = json.RootElement.GetProperty("choices").EnumerateArray().Sum(choice =>
            choice.TryGetProperty("token_ids", out var ids) && ids.ValueKind == JsonValueKind.Array ? ids.GetArrayLength() : 0);
        return (tokens, null);
    }
}
