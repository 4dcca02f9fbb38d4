using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using LoraServe.Text.Templates;
using LoraServe.Text.Tests.Templates;
using Spectre.Console;

namespace LoraServe.Benchmarks.Templates;

/// <summary>The command line of the trial with mutated chat templates.</summary>
internal static class TemplatesCommand
{
    private const int SampleEvery = 1000;
    private const int Turns = 20;
    private const int Repetitions = 2000;

    public static Command Create()
    {
        var count = BoundedOption.Create("--count", "Number of mutated templates.", 1_000_000, 1, int.MaxValue / 2);
        var seed = BoundedOption.Create("--seed", "Decides the mutations.", 1, 0, int.MaxValue / 2);
        var models = new Option<DirectoryInfo[]>("--models")
        {
            Description = "Folders with tokenizer_config.json or chat_template.jinja, whose templates are mutated as well and timed.",
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command(
            "templates",
            "Compiles and renders mutated chat templates, which must end soon with a text or one of two exceptions, and times real ones.")
        {
            count, seed, models,
        };
        command.SetAction(result => Run(result.GetValue(count), result.GetValue(seed), result.GetValue(models) ?? []));
        return command;
    }

    private static void Run(int count, int seed, IReadOnlyList<DirectoryInfo> models)
    {
        var golden = Golden();
        var sources = golden.Select(row => row.GetProperty("template").GetString()!).ToList();
        foreach (var model in models)
        {
            var templates = ChatTemplates.Load(model.FullName);
            sources.AddRange(templates.Names.Select(name => templates.Find(name, hasTools: false).Source));
            Time(model.ToString(), templates);
        }

        var mutated = new MutatedTemplates(sources, golden.ConvertAll(row => row.GetProperty("context")));
        long peak = 0;
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            mutated.Run(seed + i);
            if (i % SampleEvery == 0) peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false));
        }

        AnsiConsole.WriteLine(
            $"{count} templates mutated from {sources.Count} in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s: {mutated.Rendered} rendered, "
            + $"{mutated.NotCompiled} refused when compiled, {mutated.NotRendered} when rendered, no other exception. The slowest took "
            + $"{mutated.Slowest.Time.TotalMilliseconds:0} ms; managed memory {peak >> 20} MiB at most (sampled), working set "
            + $"{Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB.");
        AnsiConsole.WriteLine($"The slowest: {JsonSerializer.Serialize(mutated.Slowest.Template[..Math.Min(mutated.Slowest.Template.Length, 400)])}");
    }

    // Rendering time of a conversation of 20 messages.
    private static void Time(string model, ChatTemplates templates)
    {
        var messages = Enumerable.Range(0, Turns).Select(i => new { role = i % 2 == 0 ? "user" : "assistant", content = $"Message {i}: how are you?" });
        var input = new ChatTemplateInput
        {
            Messages = JsonSerializer.SerializeToElement(messages),
            AddGenerationPrompt = true,
            Now = RenderedTemplate.Now,
        };
        for (var i = 0; i < Repetitions; i++) templates.Render(input);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Repetitions; i++) templates.Render(input);
        var time = Stopwatch.GetElapsedTime(start) / Repetitions;
        AnsiConsole.WriteLine($"{model}: {Turns} messages rendered in {time.TotalMicroseconds:0} us");
    }

    private static List<JsonElement> Golden()
    {
        var folder = typeof(TemplatesCommand).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "GoldenFolder").Value!;
        return [.. JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Path.Combine(folder, "..", "..", "LoraServe.Text.Tests", "Golden", "templates.json"))).EnumerateArray()];
    }
}
