using System.CommandLine;
using Spectre.Console;

namespace LoraServe.Benchmarks.Load;

/// <summary>The command line of the load generator.</summary>
internal static class LoadCommand
{
    public static Command Create()
    {
        var url = UrlOption.Create("Address of the server.");
        url.DefaultValueFactory = _ => new Uri("http://localhost:8080");
        var adapters = new Option<string>("--adapters")
        {
            Description = "Names of adapters, separated by commas, for the requests in turn; base stands for none.",
            DefaultValueFactory = _ => LoadOptions.Base,
        };
        var concurrency = BoundedOption.Create("--concurrency", "Requests that are open at the same time.", 8, 1, 4096);
        var requests = BoundedOption.Create("--requests", "Requests in all.", 64, 1, 1_000_000);
        var prompts = new Option<FileInfo?>("--prompt-file")
        {
            Description = "JSON lines with the text in the field \"prompt\". Default: a few built-in prompts.",
        };
        var maxTokens = BoundedOption.Create("--max-tokens", "Most tokens of an answer.", 64, 1, 1 << 20);
        var ignoreEos = new Option<bool>("--ignore-eos") { Description = "Makes every answer exactly that long, so that runs can be compared." };
        var timeLimit = BoundedOption.Create("--time-limit", "Seconds after which requests that still run are given up.", 120, 1, 86_400);
        var json = new Option<bool>("--json") { Description = "Prints JSON instead of a table." };
        var command = new Command(
            "load",
            "Loads a running server with streamed completions and measures the time to the first token, the time between tokens and the throughput "
            + "of each adapter. The exit code is 1 when a request failed.")
        {
            url, adapters, concurrency, requests, prompts, maxTokens, ignoreEos, timeLimit, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var result = await LoadGenerator.RunAsync(
                new LoadOptions(
                    parsed.GetValue(url)!,
                    parsed.GetValue(adapters)!.Split(',', StringSplitOptions.TrimEntries),
                    parsed.GetValue(concurrency),
                    parsed.GetValue(requests),
                    parsed.GetValue(prompts) is { } file ? PromptFile.Read(file.FullName) : PromptFile.BuiltIn,
                    parsed.GetValue(maxTokens),
                    parsed.GetValue(ignoreEos),
                    TimeSpan.FromSeconds(parsed.GetValue(timeLimit))),
                cancellation);
            if (parsed.GetValue(json)) await Console.Out.WriteLineAsync(LoadReport.ToJson(result));
            else LoadReport.Print(AnsiConsole.Console, result);
            return result.Errors.Any() ? 1 : 0;
        });
        return command;
    }
}
