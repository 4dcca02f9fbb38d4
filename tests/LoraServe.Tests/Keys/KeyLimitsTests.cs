using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Keys;
using LoraServe.Tests.Training;
using Microsoft.AspNetCore.Http;

namespace LoraServe.Tests.Keys;

[Collection(nameof(KeyedServer))]
public class KeyLimitsTests(KeyedServer server)
{
    private const int Parallel = 200;

    [Fact]
    public async Task Get_MoreRequestsInParallelThanAMinuteAllows_ServesExactlyTheLimit()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { RequestsPerMinute = 50 } });

        var responses = await Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ => client.GetAsync("/v1/models")));

        responses.Count(response => response.StatusCode == HttpStatusCode.OK).ShouldBe(50);
        var refused = responses.Where(response => response.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        refused.Count.ShouldBe(Parallel - 50);
        var error = await LoraServeServer.ErrorAsync(refused[0], 429);
        (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()).ShouldBe(("rate_limit_error", "rate_limit_exceeded"));
        refused.ShouldAllBe(response => response.Headers.RetryAfter!.Delta!.Value.TotalSeconds >= 1 && response.Headers.RetryAfter.Delta.Value.TotalSeconds <= 60);
        refused.ShouldAllBe(response => Header(response, "x-ratelimit-remaining-requests") == "0");
        refused.ShouldAllBe(response => Header(response, "x-ratelimit-limit-requests") == "50");
    }

    [Fact]
    public async Task Get_OtherKey_IsNotLimitedByTheFirst()
    {
        var limits = new KeyLimits { RequestsPerMinute = 1 };
        var (first, second) = (server.ClientWith(grant => grant with { Limits = limits }), server.ClientWith(grant => grant with { Limits = limits }));

        (await first.GetAsync("/v1/models")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await first.GetAsync("/v1/models")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await second.GetAsync("/v1/models")).StatusCode.ShouldBe(HttpStatusCode.OK);
        // Probes need no key and do not count.
        (await first.GetAsync("/livez")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Get_WithinTheLimit_TellsWhatIsLeft()
    {
        var start = Stopwatch.GetTimestamp();
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { RequestsPerMinute = 3, TokensPerMinute = 1000 } });
        await client.GetAsync("/v1/models");

        using var response = await client.PostAsJsonAsync("/v1/completions", new { prompt = new[] { 1, 2, 3 }, max_tokens = 2, ignore_eos = true });
        using var later = await client.GetAsync("/v1/models");

        Header(response, "x-ratelimit-limit-requests").ShouldBe("3");
        Header(response, "x-ratelimit-remaining-requests").ShouldBe("1");
        var reset = Header(response, "x-ratelimit-reset-requests");
        reset.ShouldEndWith("s");
        double.Parse(reset[..^1]).ShouldBeInRange(60 - Stopwatch.GetElapsedTime(start).TotalSeconds, 60);
        Header(response, "x-ratelimit-limit-tokens").ShouldBe("1000");
        Header(later, "x-ratelimit-remaining-tokens").ShouldBe("995");
        Header(later, "x-ratelimit-reset-tokens").ShouldEndWith("s");
    }

    [Fact]
    public async Task Post_MoreTokensInParallelThanAMinuteAllows_StaysWithinOneRequestOfTheLimit()
    {
        const int limit = 500;
        const int each = 3 + 8;
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { TokensPerMinute = limit } });
        var used = new ConcurrentBag<int>();

        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async i =>
        {
            var request = new { prompt = new[] { 1, 2, 3 }, max_tokens = 8, ignore_eos = true, stream = false };
            using var response = await client.PostAsJsonAsync("/v1/completions", request);
            if (response.StatusCode == HttpStatusCode.TooManyRequests) return;
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
            used.Add(answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        }));

        used.ShouldAllBe(tokens => tokens == each);
        used.Sum().ShouldBeInRange(limit, limit + each - 1);
        using var refused = await client.PostAsJsonAsync("/v1/completions", new { prompt = "a" });
        var error = await LoraServeServer.ErrorAsync(refused, 429);
        error.GetProperty("message").GetString()!.ShouldContain("500 tokens a minute");
        refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeGreaterThan(1);
        Header(refused, "x-ratelimit-remaining-tokens").ShouldBe("0");
    }

    [Fact]
    public async Task Post_CancelledRequest_GivesBackWhatItDidNotUse()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { TokensPerMinute = 100_000 } });
        using var gone = new CancellationTokenSource();
        using var before = await EngineHold.TakeAsync(server.Engine);
        var running = client.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 100, n = 100, ignore_eos = true }, gone.Token);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Arriving == 100);
        using var hold = await before.StepAsync(server.Engine);
        server.Engine.Status.Running.ShouldBeGreaterThan(0);
        (await RemainingAsync()).ShouldBeLessThan(90_000);

        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
        hold.Dispose();

        await LoraServeServer.EventuallyAsync(async () => await RemainingAsync() > 90_000);

        async Task<int> RemainingAsync()
        {
            using var response = await client.GetAsync("/v1/models");
            return int.Parse(Header(response, "x-ratelimit-remaining-tokens"));
        }
    }

    [Fact]
    public async Task Post_MoreAtTheSameTimeThanAllowed_IsRefusedUntilOneHasEnded()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { ConcurrentRequests = 100 } });
        using var gone = new CancellationTokenSource();
        using var hold = await EngineHold.TakeAsync(server.Engine);
        var running = client.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 100, n = 100, ignore_eos = true }, gone.Token);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Arriving == 100);

        using var other = await client.GetAsync("/v1/models");
        using var refused = await CompleteAsync();
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);

        (await LoraServeServer.ErrorAsync(refused, 429)).GetProperty("message").GetString()!.ShouldContain("100 requests at the same time");
        refused.Headers.RetryAfter.ShouldNotBeNull();
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
        hold.Dispose();
        await LoraServeServer.EventuallyAsync(async () => (await CompleteAsync()).IsSuccessStatusCode);

        Task<HttpResponseMessage> CompleteAsync() => client.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 1 });
    }

    [Fact]
    public async Task Post_MoreChoicesThanMayRunAtTheSameTime_IsRefusedOrWaits()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { ConcurrentRequests = 60 } });
        using var gone = new CancellationTokenSource();
        using var hold = await EngineHold.TakeAsync(server.Engine);
        var running = CompleteAsync(40, gone.Token, 100);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Arriving == 40);

        using var tooMany = await CompleteAsync(30, default);
        var fitting = CompleteAsync(10, default);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Arriving == 50);
        using var never = await CompleteAsync(31, default, prompts: 2);
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
        hold.Dispose();
        using var fits = await fitting;

        (await LoraServeServer.ErrorAsync(tooMany, 429)).GetProperty("message").GetString()!.ShouldContain("with as many choices in all");
        fits.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await LoraServeServer.ErrorAsync(never, 400)).GetProperty("message").GetString()!.ShouldContain("62");
        // Whatever was refused has given everything back.
        await LoraServeServer.EventuallyAsync(async () => (await CompleteAsync(60, default)).IsSuccessStatusCode);

        Task<HttpResponseMessage> CompleteAsync(int n, CancellationToken cancellation, int tokens = 1, int prompts = 1) => client.PostAsJsonAsync(
            "/v1/completions", new { prompt = Enumerable.Repeat("a", prompts), max_tokens = tokens, n, ignore_eos = true }, cancellation);
    }

    [Fact]
    public async Task Post_LargerThanTheTokensOfAMinute_IsRefusedForGood()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { TokensPerMinute = 50 } });

        using var large = await client.PostAsJsonAsync("/v1/completions", new { prompt = new[] { 1, 2, 3 }, max_tokens = 24, n = 2 });
        using var longPrompt = await client.PostAsJsonAsync("/v1/completions", new { prompt = Enumerable.Repeat(1, 51) });
        using var fits = await client.PostAsJsonAsync("/v1/completions", new { prompt = new[] { 1, 2 }, max_tokens = 24, n = 2, ignore_eos = true });

        var error = await LoraServeServer.ErrorAsync(large, 400);
        (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()).ShouldBe(("max_tokens", "tokens_per_minute_exceeded"));
        error.GetProperty("message").GetString()!.ShouldContain("may use 51");
        large.Headers.RetryAfter.ShouldBeNull();
        await LoraServeServer.ErrorAsync(longPrompt, 400);
        fits.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Put_MoreAdaptersThanAllowed_IsRefusedUntilOneIsDeleted()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { Adapters = 2 } });
        await KeyedServer.PutAsync(client, "mine-1");

        // In parallel, and not one too many.
        var responses = await Task.WhenAll(Enumerable.Range(2, 6).Select(i =>
            client.PutAsync($"/v1/adapters/mine-{i}?measure_effect=false", KeyedServer.Archive("attention-r4"))));
        using var replaced = await client.PutAsync("/v1/adapters/mine-1?measure_effect=false", KeyedServer.Archive("all-linear-r8"));

        responses.Count(response => response.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        var error = await LoraServeServer.ErrorAsync(responses.First(response => response.StatusCode != HttpStatusCode.Created), 403);
        (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()).ShouldBe(("permission_error", "quota_exceeded"));
        replaced.StatusCode.ShouldBe(HttpStatusCode.OK);
        await client.DeleteAsync("/v1/adapters/mine-1");
        await KeyedServer.PutAsync(client, "mine-9");
        foreach (var i in Enumerable.Range(1, 9)) await server.Admin.DeleteAsync($"/v1/adapters/mine-{i}?force=true");
    }

    [Fact]
    public async Task Admit_KeyWithoutALimit_LeavesAQuarterOfTheQueueToOthers()
    {
        await using var limits = new KeyRateLimits(new LoraServeOptions { MaxNumSeqs = 4, MaxQueuedSeqs = 40 }, new ManualTime());
        var greedy = Caller.Of(server.CreateKey().Key);
        var other = Caller.Of(server.CreateKey().Key);

        using var running = limits.Admit(greedy, 30);

        Should.Throw<QuotaExceededException>(() => limits.Admit(greedy, 10)).Message.ShouldContain("30 requests at the same time");
        Should.Throw<InvalidRequestException>(() => limits.Admit(greedy, 31));
        limits.Admit(other, 10).Dispose();
        limits.Admit(Caller.Anonymous(KeyScopes.All), 40).Dispose();
    }

    [Fact]
    public async Task Admit_RequestsOfAllChoicesThatArriveTogether_OneGoesOn()
    {
        await using var limits = new KeyRateLimits(new LoraServeOptions(), new ManualTime());
        var caller = Caller.Of(server.CreateKey(grant => grant with { Limits = new KeyLimits { ConcurrentRequests = 8 } }).Key);
        var context = new DefaultHttpContext { User = new ClaimsPrincipal(new CallerIdentity(caller)) };
        context.SetEndpoint(new Endpoint(null, EndpointMetadataCollection.Empty, null));
        using var first = limits.Requests.AttemptAcquire(context);
        using var second = limits.Requests.AttemptAcquire(context);

        using var running = limits.Admit(caller, 8);
        Should.Throw<QuotaExceededException>(() => limits.Admit(caller, 8));
        running.Dispose();

        limits.Admit(caller, 8).Dispose();
    }

    [Fact]
    public async Task Requests_MoreThanMayBeAtATime_AreRefused()
    {
        await using var limits = new KeyRateLimits(new LoraServeOptions(), new ManualTime());
        var caller = Caller.Of(server.CreateKey(grant => grant with { Limits = new KeyLimits { ConcurrentRequests = 2 } }).Key);
        var context = new DefaultHttpContext { User = new ClaimsPrincipal(new CallerIdentity(caller)) };
        context.SetEndpoint(new Endpoint(null, EndpointMetadataCollection.Empty, null));
        using var first = limits.Requests.AttemptAcquire(context);
        using var second = limits.Requests.AttemptAcquire(context);

        limits.Requests.AttemptAcquire(context).IsAcquired.ShouldBeFalse();
    }

    [Fact]
    public async Task Put_LargestLimitThatANumberCanBe_LimitsNothing()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { AdapterBytes = long.MaxValue, FileBytes = long.MaxValue - 1 } });

        await KeyedServer.PutAsync(client, "unlimited");
        using var file = await client.UploadAsync("{}", purpose: "evals");
        await server.Admin.DeleteAsync("/v1/adapters/unlimited?force=true");

        (await file.OkAsync()).Text("id").ShouldNotBeNull();
    }

    [Fact]
    public async Task MostUnsaid_RequestsThatDoNotSayHowMany_HoldBackAQuarterOfTheLimitEach()
    {
        await using var limits = new KeyRateLimits(new LoraServeOptions(), new ManualTime());
        var caller = Caller.Of(server.CreateKey(grant => grant with { Limits = new KeyLimits { TokensPerMinute = 400 } }).Key);

        limits.MostUnsaid(caller, choices: 1).ShouldBe(100);
        limits.MostUnsaid(caller, choices: 1000).ShouldBe(1);
        for (var i = 0; i < 4; i++) limits.ReserveTokens(caller, 100).ShouldNotBeNull();

        var refusal = Should.Throw<QuotaExceededException>(() => limits.ReserveTokens(caller, 1));
        refusal.RetryAfter.ShouldBe(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Post_ChatThatDoesNotSayHowMany_EndsAtAQuarterOfTheLimit()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { TokensPerMinute = 40 } });

        using var response = await client.PostAsJsonAsync("/v1/chat/completions", new
        {
            messages = new[] { new { role = "user", content = "a" } },
            chat_template = "{{ messages[0].content }}",
            ignore_eos = true,
        });

        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("length", answer.ToString());
        answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(10);
    }

    [Fact]
    public async Task Post_TruncationThatMayExceedTheBytes_IsRefused()
    {
        await KeyedServer.PutAsync(server.Admin, "long", "all-linear-r8");
        await KeyedServer.PutAsync(server.Admin, "long", "attention-r4");
        var versions = (await server.Admin.GetFromJsonAsync<JsonElement>("/v1/adapters/long/versions")).GetProperty("data");
        var (size, larger) = (versions[0].GetProperty("size_bytes").GetInt64(), versions[1].GetProperty("size_bytes").GetInt64());
        larger.ShouldBeGreaterThan(size);
        var older = versions[1].GetProperty("version").GetString();
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { AdapterBytes = size } });

        using var refused = await client.PostAsJsonAsync($"/v1/adapters/long@{older}/truncate", new { rank = 7, @as = "shorter" });
        await server.Admin.DeleteAsync("/v1/adapters/long");

        (await LoraServeServer.ErrorAsync(refused, 403)).GetProperty("code").GetString().ShouldBe("quota_exceeded");
    }

    [Fact]
    public async Task Put_BodyThatIsLargerThanAnythingAllowed_IsCutOffWhileItStreams()
    {
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { AdapterBytes = 1000 } });

        using var refused = await client.PutAsync("/v1/adapters/cut", new ByteArrayContent(new byte[(64 << 20) + 2000]));

        (await LoraServeServer.ErrorAsync(refused, 403)).GetProperty("code").GetString().ShouldBe("quota_exceeded");
    }

    [Fact]
    public async Task Read_QuotaStream_EndsWithTheRefusalAsSoonAsItIsTooLong()
    {
        var taken = new MemoryStream();
        await using var body = new QuotaStream(new MemoryStream(new byte[10_000]), most: 3000, beside: 1000, () => new InvalidOperationException("too long"));

        await Should.ThrowAsync<InvalidOperationException>(() => body.CopyToAsync(taken, 1000));

        taken.Length.ShouldBeInRange(1000, 4000);
    }

    [Fact]
    public async Task Put_MoreBytesThanAllowed_IsRefusedWithTheFigures()
    {
        await KeyedServer.PutAsync(server.Admin, "sized");
        var size = (await server.Admin.GetFromJsonAsync<JsonElement>("/v1/adapters/sized")).GetProperty("size_bytes").GetInt64();
        var client = server.ClientWith(grant => grant with { Limits = new KeyLimits { AdapterBytes = size + 1 } });

        await KeyedServer.PutAsync(client, "bytes-1");
        using var refused = await client.PutAsync("/v1/adapters/bytes-2?measure_effect=false", KeyedServer.Archive("all-linear-r8"));

        var message = (await LoraServeServer.ErrorAsync(refused, 403)).GetProperty("message").GetString()!;
        message.ShouldContain($"{size + 1} bytes");
        message.ShouldContain($"has stored {size}");
        foreach (var name in new[] { "sized", "bytes-1" }) await server.Admin.DeleteAsync($"/v1/adapters/{name}");
    }

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).Single();
}
