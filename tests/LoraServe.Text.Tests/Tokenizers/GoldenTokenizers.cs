using System.Runtime.CompilerServices;
using System.Text.Json;
using LoraServe.Text.Tokenizers;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

/// <summary>One line of expected.jsonl; only the lines with a text have ids with special tokens.</summary>
internal sealed record GoldenRow(string? Text, int[] Ids, int[]? IdsWithSpecial, string Decoded, string DecodedWithoutSpecial);

/// <summary>The tokenizers for which the reference implementation's results are known.</summary>
internal static class GoldenTokenizers
{
    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static readonly string[] Names = [.. Directory.GetDirectories(Folder()).Select(folder => Path.GetFileName(folder)).Order()];

    private static readonly Dictionary<string, Lazy<Tokenizer>> Loaded =
        Names.ToDictionary(name => name, name => new Lazy<Tokenizer>(() => Tokenizer.Load(Path.Combine(Folder(), name, "tokenizer.json"))));

    public static IEnumerable<TheoryDataRow<string>> Cases => Names.Select(name => new TheoryDataRow<string>(name));

    public static Tokenizer Load(string name) => Loaded[name].Value;

    public static IEnumerable<GoldenRow> Rows(string name) =>
        File.ReadLines(Path.Combine(Folder(), name, "expected.jsonl"))
            .Select(line => JsonSerializer.Deserialize<GoldenRow>(line, SnakeCase)!);

    private static string Folder([CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "Golden", "tokenizers");
}
