using System.Text.Json;

namespace LoraServe.Benchmarks.Load;

/// <summary>Reads prompts: a file of JSON lines, each an object with the text in its field "prompt"; other fields are ignored.</summary>
internal static class PromptFile
{
    private const int MostLines = 100_000;

    /// <summary>Prompts for a run without a file, in the world of the bundled demo model.</summary>
    public static IReadOnlyList<string> BuiltIn { get; } =
    [
        "Which products cost less than 59 euros?",
        "The lamp is lovely and the packaging is better than expected, but the battery is really poor.",
        "Hello, Anna Berg here. The teapot from order no. 4821 arrived broken. It was a gift for my boss. Could you send me a replacement?",
        "How many customers live in Innsbruck?",
        "Dear Sir or Madam, I ordered a desk lamp online in February. It makes a lot of noise. Now I want someone to come and repair it. - Jon Moss",
        "I cannot recommend the surfboard. The display is useless. My neighbour owns one too.",
    ];

    /// <returns>At least one prompt.</returns>
    /// <exception cref="BenchmarkException">With every line that is not a prompt.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        var prompts = new List<string>();
        var faults = new List<int>();
        try
        {
            var number = 0;
            foreach (var line in File.ReadLines(path).Take(MostLines))
            {
                number++;
                if (string.IsNullOrWhiteSpace(line)) continue;
                if (Prompt(line) is { } prompt) prompts.Add(prompt);
                else faults.Add(number);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BenchmarkException($"The prompts cannot be read. {e.Message}", e);
        }

        if (faults.Count > 0)
        {
            throw new BenchmarkException(
                $"{path}: expected an object with a text in \"prompt\" on each line, found something else on line {string.Join(", ", faults)}");
        }

        return prompts.Count > 0 ? prompts : throw new BenchmarkException($"{path}: expected at least one prompt, found none");
    }

    private static string? Prompt(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("prompt", out var prompt)
                && prompt.ValueKind == JsonValueKind.String && prompt.GetString() is { Length: > 0 } text ? text : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
