using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LoraServe.Tests.Hosting;

/// <summary>The server as a separate process: its output and exit codes.</summary>
public sealed class ProcessTests : IDisposable
{
    private static readonly TimeSpan Patience = LoraServeServer.Patience;

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_WrongOptions_ExplainsThemAllWithoutAStackTrace()
    {
        var (exitCode, output) = await RunAsync("--model", "/no/such/folder", "--max-num-seqs", "none", "--dtype", "int8");

        exitCode.ShouldBe(1);
        output.ShouldContain("--model");
        output.ShouldContain("--max-num-seqs");
        output.ShouldContain("--dtype");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Start_FolderThatIsNoModel_SaysSoInOneLine()
    {
        var (exitCode, output) = await RunAsync("--model", _folder, "--data", Path.Combine(_folder, "data"), "--urls", "http://127.0.0.1:0");

        exitCode.ShouldBe(1);
        output.ShouldContain("config.json");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Start_KeysOfTheDataFolderAreGone_IsRefusedUntilOneIsMade()
    {
        string[] create = ["keys", "create", "--name", "admin", "--scopes", "admin", "--data", _folder];
        (await RunAsync(create)).ExitCode.ShouldBe(0);
        foreach (var file in Directory.GetFiles(_folder, "keys.db*")) File.Delete(file);

        var (exitCode, output) = await RunAsync("--data", _folder, "--urls", "http://127.0.0.1:0");

        exitCode.ShouldBe(1);
        output.ShouldContain("keys create");
        output.ShouldNotContain("   at ");
        (await RunAsync(create)).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Help_Shown_ListsEveryOption()
    {
        var (exitCode, output) = await RunAsync("--help");

        exitCode.ShouldBe(0);
        foreach (var property in LoraServe.Hosting.OptionsReader.Properties) output.ShouldContain($"--{LoraServe.Hosting.OptionsReader.Name(property)} ");
        output.ShouldNotContain("--contentRoot");
    }

    [Fact]
    public async Task Serve_FirstCommandOfTheReadme_AnswersAndLogsNoPrompt()
    {
        var output = new StringBuilder();
        using var process = Start("--urls", "http://127.0.0.1:0", "--data", Path.Combine(_folder, "data"), "--threads", "1");
        var url = await ReadyAsync(process, output);

        using var client = new HttpClient();
        using var response = await client.PostAsync(
            new Uri($"{url}/v1/completions?adapter=sentiment"),
            new StringContent("""{"prompt": "I cannot recommend the Mennansero Surfboard. The display is really poor.", "temperature": 0, "store": true}"""));
        using var forged = await client.GetAsync(new Uri($"{url}/nothing%0AFORGED"));
        var (health, _) = await RunAsync("health", "--urls", url);
        await StopAsync(process);

        (await response.Content.ReadAsStringAsync()).ShouldContain("\"text\":\"negative\"");
        health.ShouldBe(0);
        process.ExitCode.ShouldBe(0);
        var log = output.ToString();
        log.ShouldContain("POST /v1/completions 200");
        log.ShouldContain("GET /nothing%0AFORGED 404");
        log.ShouldNotContain("Surfboard");
        log.ShouldNotContain("negative");
        log.ShouldNotContain("\u001b");
        ShouldNotWarn(log[..log.IndexOf("is ready", StringComparison.Ordinal)]);
    }

    /// <summary>ASP.NET's data protection would write keys there at every start, and nothing uses them.</summary>
    [Fact]
    public async Task Serve_HomeFolder_StaysEmpty()
    {
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home")).FullName;
        using var process = Start(["--data", Path.Combine(_folder, "data"), "--threads", "1"], ("HOME", home), ("ASPNETCORE_URLS", "http://127.0.0.1:0"));
        await ReadyAsync(process, new StringBuilder());
        await StopAsync(process);

        Directory.GetFileSystemEntries(home).ShouldBeEmpty();
        Directory.Exists(Path.Combine(_folder, "data", "protection-keys")).ShouldBeFalse();
    }

    [Fact]
    public async Task Serve_AddressOfTheWebServersOwnSettingWithItsOwnCertificate_IsObeyedAndHealthy()
    {
        var output = new StringBuilder();
        using var process = Start(
            ["--data", Path.Combine(_folder, "data"), "--threads", "1"],
            ("ASPNETCORE_URLS", "https://127.0.0.1:0"), ("Kestrel__Certificates__Default__Path", SelfSignedCertificate()));
        var url = await ReadyAsync(process, output);

        var (health, answer) = await RunAsync("health", "--urls", url);
        await StopAsync(process);

        url.ShouldStartWith("https://127.0.0.1:");
        health.ShouldBe(0, answer);
        ShouldNotWarn(output.ToString());
    }

    [Fact]
    public async Task Serve_LogFormatJson_WritesAnObjectALineThatTellsTheRequestWithoutItsPrompt()
    {
        var output = new StringBuilder();
        using var process = Start("--urls", "http://127.0.0.1:0", "--data", Path.Combine(_folder, "data"), "--threads", "1", "--log-format", "json");
        var url = await ReadyAsync(process, output);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/v1/completions?adapter=sentiment")
        {
            Content = new StringContent("{\"prompt\": \"The Surfboard is really poor.\", \"temperature\": 0}"),
        };
        request.Headers.Add("x-request-id", "from-the-client");
        using var response = await client.SendAsync(request);
        using var scraped = await client.GetAsync(new Uri($"{url}/metrics"));
        await StopAsync(process);

        response.EnsureSuccessStatusCode();
        response.Headers.GetValues("x-request-id").ShouldBe(["from-the-client"]);
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var events = lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
        var completed = events.Where(line => line.TryGetProperty("CompletionTokens", out _)).ShouldHaveSingleItem();
        completed.GetProperty("RequestId").GetString().ShouldBe("from-the-client");
        completed.GetProperty("Adapter").GetString().ShouldBe(response.Headers.GetValues("x-loraserve-adapter").Single());
        completed.GetProperty("FinishReasons").GetString().ShouldBe("stop");
        completed.GetProperty("PromptTokens").GetInt32().ShouldBeGreaterThan(0);
        completed.GetProperty("FirstTokenMs").GetDouble().ShouldBeGreaterThan(0);
        completed.GetProperty("TokensPerSecond").GetDouble().ShouldBeGreaterThan(0);
        var answered = events.Where(line => line.TryGetProperty("RequestPath", out _)).ToList();
        answered.ShouldContain(line => line.GetProperty("RequestPath").GetString() == "/v1/completions" && line.GetProperty("RequestId").GetString() == "from-the-client");
        answered.ShouldAllBe(line => line.GetProperty("RequestId").GetString()!.Length > 0);
        output.ToString().ShouldNotContain("really poor");
    }

    [Fact]
    public async Task Serve_OnASocketOfTheFileSystem_IsReady()
    {
        var url = $"http://unix:{Path.Combine(_folder, "socket")}";
        var output = new StringBuilder();
        using var process = Start("--urls", url, "--data", Path.Combine(_folder, "data"), "--threads", "1");
        var shown = await ReadyAsync(process, output);

        var (health, _) = await RunAsync("health", "--urls", url);
        await StopAsync(process);

        shown.ShouldBe(url);
        health.ShouldBe(0);
        process.ExitCode.ShouldBe(0);
        output.ToString().ShouldContain("--unix-socket");
    }

    [Theory]
    [InlineData("http://192.0.2.1:8080")]
    [InlineData("https://127.0.0.1:0")]
    public async Task Start_AddressThatCannotBeListenedOn_SaysSoWithoutAStackTrace(string url)
    {
        var (exitCode, output) = await RunAsync("--urls", url, "--data", Path.Combine(_folder, "data"));

        exitCode.ShouldBe(1);
        output.ShouldContain("LoraServe cannot start");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Stop_SecondSignal_EndsRunningRequestsWithAnErrorThatSaysSo()
    {
        var output = new StringBuilder();
        using var process = Start("--urls", "http://127.0.0.1:0", "--data", Path.Combine(_folder, "data"), "--threads", "1", "--max-num-seqs", "1", "--shutdown-timeout", "3600");
        var url = await ReadyAsync(process, output);
        using var client = new HttpClient();
        var body = new { prompt = "a", max_tokens = 1000, ignore_eos = true, n = 50, stream = true };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/v1/completions") { Content = JsonContent.Create(body) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        Signal(process);
        await LoraServeServer.EventuallyAsync(async () => !(await client.GetAsync(new Uri($"{url}/readyz"))).IsSuccessStatusCode);
        await StopAsync(process);

        process.ExitCode.ShouldBe(0);
        (await response.Content.ReadAsStringAsync()).ShouldContain("\"code\":\"unavailable\"");
    }

    // On a busy machine Kestrel warns about a late heartbeat.
    private static void ShouldNotWarn(string log) => log.Split('\n').ShouldNotContain(
        line => line.Contains(" WRN ", StringComparison.Ordinal) && !line.Contains("the heartbeat has been running", StringComparison.Ordinal));

    // The server's address, once it is printed.
    private static async Task<string> ReadyAsync(Process process, StringBuilder output)
    {
        var ready = new TaskCompletionSource<string>();
        process.OutputDataReceived += (_, line) =>
        {
            lock (output) output.AppendLine(line.Data);
            if (line.Data is not null && Regex.Match(line.Data, "Swagger: [\\\\\"]*(?<url>https?://(127.0.0.1:[0-9]+|unix:[^ ]+?))[\\\\\"]*/swagger", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture) is { Success: true } match)
                ready.TrySetResult(match.Groups["url"].Value);
        };
        process.ErrorDataReceived += (_, line) => { lock (output) output.AppendLine(line.Data); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return await ready.Task.WaitAsync(Patience);
    }

    private string SelfSignedCertificate()
    {
        using var key = ECDsa.Create();
        var request = new CertificateRequest("CN=elsewhere.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue);
        var file = Path.Combine(_folder, "certificate.pfx");
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pkcs12));
        return file;
    }

    private static Process Start(params IEnumerable<string> arguments) => Start(arguments, []);

    private static Process Start(IEnumerable<string> arguments, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // No home folder, as in containers.
            Environment = { ["Serilog__MinimumLevel__Default"] = "Verbose", ["HOME"] = "/nonexistent" },
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        start.ArgumentList.Add(typeof(Program).Assembly.Location);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params IEnumerable<string> arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output + await error);
    }

    private static async Task StopAsync(Process process)
    {
        Signal(process);
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
    }

    private static void Signal(Process process)
    {
        using (Process.Start("kill", ["-TERM", $"{process.Id}"])) { }
    }
}
