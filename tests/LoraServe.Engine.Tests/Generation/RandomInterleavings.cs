using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>
/// Sends requests in random order and company to an engine with a prefix cache, and each alone to one without: shared prompts, conversations
/// that go on, several tenants and modes, and readers that go away. What comes back has to be the same.
/// </summary>
/// <param name="cached">The engine under test.</param>
/// <param name="plain">The same model without a prefix cache.</param>
/// <param name="adapters">Versions and mixes to choose from; they stay the caller's.</param>
/// <param name="maxTokens">The longest prompt to send.</param>
/// <param name="seed">Decides everything.</param>
internal sealed class RandomInterleavings(LlmEngine cached, LlmEngine plain, IReadOnlyList<LoraAdapter> adapters, int maxTokens, int seed)
{
    // Below this difference between the best two tokens, rounding may choose either one.
    private const double DecisiveGap = 1e-3;

    private const int Tokens = 6;

    private readonly Random _random = new(seed);
    private readonly List<int[]> _conversations = [];
    private readonly Dictionary<(int Adapter, string Prompt), List<GeneratedToken>> _expected = [];

    public int Requests { get; private set; }

    public int Cancelled { get; private set; }

    /// <summary>Sequences of which a token was a matter of rounding; they were compared up to there.</summary>
    public int Undecided { get; private set; }

    public long PromptTokens { get; private set; }

    public long CachedTokens { get; private set; }

    /// <summary>In words, each request that gave other tokens.</summary>
    public List<string> Mismatches { get; } = [];

    /// <summary>
    /// Runs that many rounds. In each, several sequences of one adapter get going before others come, so that places are taken.
    /// </summary>
    public async Task RunAsync(int rounds)
    {
        for (var i = 0; i < 3; i++) _conversations.Add(RandomTokens(maxTokens / 4));
        for (var round = 0; round < rounds; round++)
        {
            var hot = _random.Next(adapters.Count);
            List<Request> requests = [.. Enumerable.Range(0, _random.Next(8)).Select(_ => NextRequest(hot))];
            var answers = requests.ConvertAll(Ask);
            if (answers.Count > 0) await answers[0].Prompt;
            foreach (var request in Enumerable.Range(0, _random.Next(1, 5)).Select(_ => NextRequest(_random.Next(adapters.Count))))
            {
                requests.Add(request);
                answers.Add(Ask(request));
            }

            for (var i = 0; i < requests.Count; i++) await CompareAsync(requests[i], await answers[i].All);
        }
    }

    private sealed record Request(int Adapter, int[] Prompt, int ReadTokens, string Salt, MergeMode? Mode);

    private sealed record Answer(List<GeneratedToken> Tokens, int CachedTokens);

    private Request NextRequest(int adapter)
    {
        var conversation = _conversations[_random.Next(_conversations.Count)];
        List<int> prompt = [.. _random.Next(3) == 0 ? conversation[.._random.Next(1, conversation.Length)] : conversation];
        if (_random.Next(2) == 0) prompt.AddRange(adapters[adapter].InvocationTokens);
        prompt.AddRange(RandomTokens(_random.Next(1, 9)));
        return new Request(
            adapter,
            [.. prompt.Take(maxTokens)],
            _random.Next(5) == 0 ? _random.Next(1, Tokens) : Tokens,
            _random.Next(8) == 0 ? "tenant" : "",
            _random.Next(8) == 0 ? MergeMode.Unmerged : null);
    }

    private (Task Prompt, Task<Answer> All) Ask(Request request)
    {
        var stream = Submit(cached, request);
        return (stream.PromptLogprobs, ReadAsync());

        async Task<Answer> ReadAsync()
        {
            using var running = stream;
            return new Answer(await ReadTokensAsync(stream, request.ReadTokens), stream.CachedTokens);
        }
    }

    private async Task CompareAsync(Request request, Answer answer)
    {
        Requests++;
        if (request.ReadTokens < Tokens) Cancelled++;
        PromptTokens += request.Prompt.Length;
        CachedTokens += answer.CachedTokens;
        var tokens = answer.Tokens;
        var key = (request.Adapter, string.Join(' ', request.Prompt));
        if (!_expected.TryGetValue(key, out var expected))
        {
            using var stream = Submit(plain, request with { ReadTokens = Tokens });
            _expected[key] = expected = await ReadTokensAsync(stream, Tokens);
        }

        if (tokens.Count == Tokens && _random.Next(4) == 0)
        {
            _conversations[_random.Next(_conversations.Count)] = request.Prompt.Length > maxTokens - (4 * Tokens)
                ? RandomTokens(maxTokens / 4)
                : [.. request.Prompt, .. tokens.Select(token => token.TokenId)];
        }

        for (var i = 0; i < tokens.Count; i++)
        {
            var top = expected[i].Logprobs!.Top;
            if (top[0].Logprob - top[1].Logprob < DecisiveGap)
            {
                Undecided++;
                return;
            }

            if (tokens[i].TokenId == expected[i].TokenId) continue;
            Mismatches.Add(
                $"{adapters[request.Adapter].Version}, token {i} after a prompt of {request.Prompt.Length}: expected {expected[i].TokenId}, found {tokens[i].TokenId}");
            return;
        }
    }

    private TokenStream Submit(LlmEngine engine, Request request) => engine.Submit(new GenerationRequest
    {
        Prompt = request.Prompt,
        Sampling = new SamplingParams { Temperature = 0, MaxTokens = Tokens, IgnoreEos = true, Logprobs = 2 },
        Adapter = new AdapterLease(adapters[request.Adapter], () => { }),
        CacheSalt = request.Salt,
        Mode = request.Mode,
    });

    private static async Task<List<GeneratedToken>> ReadTokensAsync(TokenStream stream, int count)
    {
        var tokens = new List<GeneratedToken>();
        while (tokens.Count < count) tokens.Add(await stream.Tokens.ReadAsync());
        return tokens;
    }

    private int[] RandomTokens(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(3, cached.Model.VocabularySize))];
}
