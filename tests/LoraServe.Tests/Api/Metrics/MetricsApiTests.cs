using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Tests.Clients;
using LoraServe.Tests.Metrics;

namespace LoraServe.Tests.Api.Metrics;

/// <summary>GET /metrics: whether it can be read, whether everything is there, and whether it is true.</summary>
public class MetricsApiTests(MetricsServer server) : IClassFixture<MetricsServer>
{
    private static readonly string[] Histograms =
    [
        "time_to_first_token_seconds", "inter_token_latency_seconds", "time_per_output_token_seconds", "request_time_per_output_token_seconds",
        "e2e_request_latency_seconds", "request_queue_time_seconds", "request_prefill_time_seconds", "request_decode_time_seconds",
        "request_inference_time_seconds", "request_prompt_tokens", "request_generation_tokens", "request_params_n", "request_params_max_tokens",
        "iteration_tokens_total",
    ];

    [Fact]
    public async Task Get_BeforeAnyRequest_HasEveryNameOfVllmWithItsLabels()
    {
        var metrics = await server.ReadMetricsAsync();

        (string, string)[] labels = [("model_name", "loraserve-demo"), ("engine", "0")];
        foreach (var name in new[] { "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "gpu_cache_usage_perc" })
        {
            metrics.Families[$"vllm:{name}"].Type.ShouldBe("gauge");
            metrics.Find($"vllm:{name}", labels).ShouldHaveSingleItem().Labels.Count.ShouldBe(2);
        }

        foreach (var name in new[] { "prompt_tokens_total", "generation_tokens_total", "num_preemptions_total", "prefix_cache_queries_total", "prefix_cache_hits_total" })
        {
            metrics.Families[$"vllm:{name}"].Type.ShouldBe("counter");
            metrics.Find($"vllm:{name}", labels).ShouldHaveSingleItem().Labels.Count.ShouldBe(2);
        }

        foreach (var name in new[] { "adapter_cache_hits", "adapter_cache_misses", "adapter_loads", "adapter_evictions", "requests", "quota_refusals" })
            metrics.Find($"loraserve_{name}_total").ShouldNotBeEmpty(name);

        foreach (var name in Histograms)
        {
            metrics.Families[$"vllm:{name}"].Type.ShouldBe("histogram");
            metrics.Find($"vllm:{name}_count", labels).ShouldHaveSingleItem().Labels.Count.ShouldBe(2);
        }

        metrics.Find("vllm:request_success_total", labels).Select(sample => sample.Labels["finished_reason"]).Order().ShouldBe(["abort", "error", "length", "stop"]);
        metrics.Find("loraserve_build_info").ShouldHaveSingleItem().Value.ShouldBe(1);
    }

    [Theory]
    [InlineData("vllm:e2e_request_latency_seconds", "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680 +Inf")]
    [InlineData("vllm:request_queue_time_seconds", "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680 +Inf")]
    [InlineData("vllm:inter_token_latency_seconds", "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80 +Inf")]
    [InlineData("vllm:time_to_first_token_seconds", "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560 +Inf")]
    [InlineData("vllm:request_prompt_tokens", "1 2 5 10 20 50 100 200 500 1000 +Inf")]
    [InlineData("vllm:iteration_tokens_total", "1 8 16 32 64 128 256 512 1024 2048 4096 8192 16384 +Inf")]
    public async Task Get_Histogram_HasTheBucketsOfVllm(string name, string limits)
    {
        var metrics = await server.ReadMetricsAsync();

        string.Join(' ', metrics.Find($"{name}_bucket").Select(bucket => bucket.Labels["le"])).ShouldBe(limits);
    }

    [Fact]
    public async Task Get_AfterRequests_CountsWhatTheirUsageSays()
    {
        var before = await server.ReadMetricsAsync();
        var (prompt, completion, cached) = (0, 0, 0);
        foreach (var (adapter, n) in new[] { ("sql", 1), ("sql", 2), ("summarize", 1), ("loraserve-demo", 3) })
        {
            var answer = await server.CompleteAsync(new { model = adapter, prompt = "Which products cost less than 59 euros?", n, max_tokens = 5, temperature = 0, ignore_eos = true });
            var usage = answer.GetProperty("usage");
            prompt += usage.GetProperty("prompt_tokens").GetInt32() * n;
            completion += usage.GetProperty("completion_tokens").GetInt32();
            cached += usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
        }

        var after = await server.ReadMetricsAsync(metrics => metrics["vllm:num_requests_running"] == 0);

        double Grown(string name, params (string, string)[] labels) => after.Sum(name, labels) - before.Sum(name, labels);
        completion.ShouldBe(7 * 5);
        Grown("vllm:prompt_tokens_total").ShouldBe(prompt);
        Grown("vllm:request_prompt_tokens_sum").ShouldBe(prompt);
        Grown("vllm:prefix_cache_queries_total").ShouldBe(prompt);
        Grown("vllm:prefix_cache_hits_total").ShouldBe(cached);
        Grown("vllm:generation_tokens_total").ShouldBe(completion);
        Grown("vllm:request_generation_tokens_sum").ShouldBe(completion);
        Grown("vllm:request_success_total", ("finished_reason", "length")).ShouldBe(7);
        Grown("vllm:request_success_total").ShouldBe(7);
        Grown("vllm:request_params_n_sum").ShouldBe(7);
        Grown("vllm:request_params_n_count").ShouldBe(4);
        Grown("vllm:request_params_max_tokens_sum").ShouldBe(35);
        Grown("vllm:inter_token_latency_seconds_count").ShouldBe(7 * 4);
        Grown("vllm:iteration_tokens_total_sum").ShouldBe(prompt - cached + (7 * 4));
        foreach (var name in new[] { "time_to_first_token", "e2e_request_latency", "request_queue_time", "request_prefill_time", "request_decode_time", "request_inference_time" })
            Grown($"vllm:{name}_seconds_count").ShouldBe(7, name);

        Grown("loraserve_requests_total", ("outcome", "ok")).ShouldBe(4);
        Grown("loraserve_requests_total", ("adapter", "sql")).ShouldBe(2);
        Grown("loraserve_requests_total", ("adapter", "(base)")).ShouldBe(1);
        Grown("loraserve_generated_tokens_total", ("adapter", "sql")).ShouldBe(15);
        Grown("loraserve_prompt_tokens_total", ("adapter", "sql")).ShouldBe(prompt / 7 * 2);
        Grown("loraserve_cached_tokens_total").ShouldBe(cached);
        Grown("loraserve_batch_rows_sum", ("adapter", "summarize")).ShouldBe(5);
        Grown("loraserve_adapter_loads_total").ShouldBe(Grown("loraserve_adapter_cache_misses_total"));
        (Grown("loraserve_adapter_cache_hits_total") + Grown("loraserve_adapter_cache_misses_total")).ShouldBe(3);
        Grown("gen_ai_client_token_usage_sum", ("gen_ai_token_type", "output")).ShouldBe(completion);
        Grown("gen_ai_server_request_duration_seconds_count", ("gen_ai_operation_name", "text_completion"), ("gen_ai_provider_name", "loraserve")).ShouldBe(4);
    }

    [Fact]
    public async Task Get_ManyChoicesOfACachedPrompt_CountsItOnceAsUsageDoes()
    {
        var prompt = string.Concat(Enumerable.Repeat("Which products cost less than 59 euros? ", 4));
        var before = await server.ReadMetricsAsync();
        var cached = new List<int>();
        for (var i = 0; i < 2; i++)
        {
            var usage = (await server.CompleteAsync(new { model = "sql", prompt, n = 8, max_tokens = 1 })).GetProperty("usage");
            cached.Add(usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
            cached[i].ShouldBeLessThanOrEqualTo(usage.GetProperty("prompt_tokens").GetInt32());
        }

        var after = await server.ReadMetricsAsync();

        cached[1].ShouldBeGreaterThan(0);
        (after.Sum("loraserve_cached_tokens_total") - before.Sum("loraserve_cached_tokens_total")).ShouldBe(cached.Sum());
    }

    [Fact]
    public async Task Get_WhileAStreamRuns_HasItsFirstToken()
    {
        var before = await server.ReadMetricsAsync();
        using var client = server.CreateLeavingClient();
        var body = JsonContent.Create(new { model = "sql", prompt = "a", max_tokens = 1000, ignore_eos = true, stream = true });
        using var hold = await EngineHold.TakeAsync(server.Engine);
        var sending = client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = body }, HttpCompletionOption.ResponseHeadersRead);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Arriving == 1);
        using var begun = await hold.StepAsync(server.Engine);
        using var response = await sending;

        double Grown(PrometheusText after, string name, params (string, string)[] labels) => after.Sum(name, labels) - before.Sum(name, labels);
        var running = await server.ReadMetricsAsync(metrics => Grown(metrics, "vllm:time_to_first_token_seconds_count") > 0);

        foreach (var name in new[] { "vllm:time_to_first_token_seconds", "vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds" })
            Grown(running, $"{name}_count").ShouldBe(1, name);
        Grown(running, "loraserve_time_to_first_token_seconds_count", ("adapter", "sql")).ShouldBe(1);
        Grown(running, "vllm:request_success_total").ShouldBe(0);

        response.Dispose();
        begun.Dispose();
        var ended = await server.ReadMetricsAsync(metrics => Grown(metrics, "vllm:request_success_total") > 0 && metrics["vllm:num_requests_running"] == 0);

        Grown(ended, "vllm:request_success_total", ("finished_reason", "abort")).ShouldBe(1);
        Grown(ended, "vllm:time_to_first_token_seconds_count").ShouldBe(1);
        Grown(ended, "vllm:request_queue_time_seconds_count").ShouldBe(1);
        ended.Find("vllm:lora_requests_info").ShouldHaveSingleItem().Labels["running_lora_adapters"].Split(',')[0].ShouldBe("sql");
    }

    [Fact]
    public async Task Get_AfterAComparison_CountsItOnceForEachAdapter()
    {
        var before = await server.ReadMetricsAsync();
        using var compared = await server.Client.PostAsJsonAsync("/v1/compare", new { prompt = "a", adapters = new[] { "sql", "summarize" }, max_tokens = 2, ignore_eos = true });
        using var chat = await server.Client.PostAsJsonAsync("/v1/chat/completions", new { model = "sql", messages = new[] { new { role = "user", content = "a" } }, max_tokens = 2, ignore_eos = true });
        compared.IsSuccessStatusCode.ShouldBeTrue(await compared.Content.ReadAsStringAsync());
        chat.IsSuccessStatusCode.ShouldBeTrue(await chat.Content.ReadAsStringAsync());

        var after = await server.ReadMetricsAsync();

        double Grown(string name, params (string, string)[] labels) => after.Sum(name, labels) - before.Sum(name, labels);
        Grown("loraserve_requests_total", ("adapter", "sql")).ShouldBe(2);
        Grown("loraserve_requests_total", ("adapter", "summarize")).ShouldBe(1);
        Grown("gen_ai_server_request_duration_seconds_count", ("gen_ai_operation_name", "chat")).ShouldBe(1);
        Grown("gen_ai_client_token_usage_sum", ("gen_ai_operation_name", "text_completion"), ("gen_ai_request_model", "summarize"), ("gen_ai_token_type", "output")).ShouldBe(2);
        Grown("gen_ai_client_token_usage_sum", ("gen_ai_operation_name", "text_completion"), ("gen_ai_request_model", "loraserve-demo"), ("gen_ai_token_type", "output")).ShouldBe(2);
    }

    [Fact]
    public async Task Get_TwoRunAndOneWaits_SaysWhichUntilTheyAreGone()
    {
        using var client = server.CreateLeavingClient();
        using var leaving = new CancellationTokenSource();
        var requests = new List<Task<HttpResponseMessage>>();
        using var hold = await EngineHold.TakeAsync(server.Engine);
        foreach (var adapter in new[] { "sql", "extract", "sentiment" })
        {
            var body = JsonContent.Create(new { model = adapter, prompt = "a", max_tokens = 1000, ignore_eos = true, stream = true });
            requests.Add(client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = body }, HttpCompletionOption.ResponseHeadersRead, leaving.Token));
            await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Arriving == requests.Count);
        }

        using var begun = await hold.StepAsync(server.Engine);
        var metrics = await server.ReadMetricsAsync();

        metrics["vllm:num_requests_running"].ShouldBe(2);
        metrics["vllm:num_requests_waiting"].ShouldBe(1);
        metrics["vllm:kv_cache_usage_perc"].ShouldBeGreaterThan(0);
        metrics["vllm:gpu_cache_usage_perc"].ShouldBe(metrics["vllm:kv_cache_usage_perc"]);
        var info = metrics.Find("vllm:lora_requests_info").ShouldHaveSingleItem();
        info.Labels.Count.ShouldBe(3);
        info.Labels["max_lora"].ShouldBe("16");
        info.Labels["running_lora_adapters"].Split(',')[..2].Order().ShouldBe(["extract", "sql"]);
        info.Labels["running_lora_adapters"].Split(',').ShouldContain("sentiment", "it is loaded");
        info.Labels["waiting_lora_adapters"].ShouldBe("sentiment");
        (DateTimeOffset.UtcNow - DateTimeOffset.FromUnixTimeSeconds((long)info.Value)).Duration().ShouldBeLessThan(TimeSpan.FromMinutes(1));

        var aborted = metrics.Sum("vllm:request_success_total", ("finished_reason", "abort"));
        await leaving.CancelAsync();
        foreach (var request in requests)
        {
            try
            {
                (await request).Dispose();
            }
            catch (OperationCanceledException)
            {
                // It had no answer yet.
            }
        }

        begun.Dispose();
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0 });
        metrics = await server.ReadMetricsAsync(metrics => metrics.Sum("vllm:request_success_total", ("finished_reason", "abort")) >= aborted + 3);

        metrics["vllm:request_success_total", ("finished_reason", "abort")].ShouldBe(aborted + 3);
        metrics["vllm:num_requests_running"].ShouldBe(0);
        metrics["vllm:num_requests_waiting"].ShouldBe(0);
        metrics["vllm:kv_cache_usage_perc"].ShouldBe(0);
        info = metrics.Find("vllm:lora_requests_info").ShouldHaveSingleItem();
        info.Labels["running_lora_adapters"].Split(',')[..3].ShouldBe(["sentiment", "extract", "sql"], ignoreOrder: true);
        info.Labels["waiting_lora_adapters"].ShouldBeEmpty();
    }

    [Fact]
    public async Task Get_UnderLoad_ParsesEveryTimeAndCountersNeverFall()
    {
        var adapters = new[] { "sql", "extract", "sentiment", "summarize", "loraserve-demo", "sql:0.5,extract:0.5" };
        var load = Task.WhenAll(Enumerable.Range(0, 24).Select(i => server.CompleteAsync(new { model = adapters[i % adapters.Length], prompt = $"Number {i}", max_tokens = 4, n = 1 + (i % 3) })));
        var counters = new Dictionary<string, double>();
        var readings = 0;
        do
        {
            var metrics = await server.ReadMetricsAsync();
            readings++;
            foreach (var sample in metrics.Families.Values.Where(family => family.Type != "gauge").SelectMany(family => family.Samples))
            {
                sample.Value.ShouldBeGreaterThanOrEqualTo(counters.GetValueOrDefault(sample.Series), sample.Series);
                counters[sample.Series] = sample.Value;
            }
        }
        while (!load.IsCompleted || readings < 2);

        await load;
    }

    [Fact]
    public async Task Get_UnderLoad_IsTheSameToAParserOfOthers()
    {
        NodePackages.SkipWithoutNode();
        var load = Task.WhenAll(Enumerable.Range(0, 12).Select(i => server.CompleteAsync(new { model = i % 2 == 0 ? "sql" : "extract", prompt = $"Number {i}", max_tokens = 8 })));
        var text = await server.Client.GetStringAsync("/metrics");
        await load;
        var file = Path.Combine(server.Data, "metrics.txt");
        await File.WriteAllTextAsync(file, text);

        var families = JsonSerializer.Deserialize<JsonElement>(await NodePackages.RunAsync("prometheus-text.mjs", file)).EnumerateArray().ToDictionary(
            family => family.GetProperty("name").GetString()!, family => (family.GetProperty("type").GetString()!.ToLowerInvariant(), family.GetProperty("series").GetInt32()));

        // To this parser all series of a histogram are one.
        families.ShouldBe(
            PrometheusText.Parse(text).Families.ToDictionary(
                family => family.Key,
                family => (family.Value.Type!, family.Value.Type == "histogram" ? Math.Min(1, family.Value.Samples.Count) : family.Value.Samples.Count)),
            ignoreOrder: true);
    }

    [Fact]
    public async Task Get_AfterErrors_CountsThemByRouteAndStatus()
    {
        var before = await server.ReadMetricsAsync();
        using var unknown = await server.PostAsync("/v1/completions?adapter=nobody", """{"prompt": "a"}""");
        using var wrong = await server.PostAsync("/v1/completions", """{"prompt": 1}""");
        using var nowhere = await server.Client.GetAsync("/nowhere");
        using var method = await server.Client.DeleteAsync("/v1/completions");

        var after = await server.ReadMetricsAsync();

        double Grown(string route, string status) => after.Sum("loraserve_http_errors_total", ("route", route), ("status", status)) - before.Sum("loraserve_http_errors_total", ("route", route), ("status", status));
        Grown("/v1/completions", "404").ShouldBe(1);
        Grown("/v1/completions", "400").ShouldBe(1);
        Grown("none", "404").ShouldBe(1);
        Grown("(method)", "405").ShouldBe(1);
    }
}
