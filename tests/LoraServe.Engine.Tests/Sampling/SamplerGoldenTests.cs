using System.Runtime.CompilerServices;
using System.Text.Json;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sampling;

/// <summary>The probabilities of the reference implementation.</summary>
public sealed class SamplerGoldenTests
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly Row[] Golden = Load();

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, 24)];

    [Fact]
    public void Golden_File_HasAllRows() => Golden.Length.ShouldBe(Rows.Count);

    [Theory]
    [MemberData(nameof(Rows))]
    public void Probabilities_GoldenRow_AreTheReferences(int index)
    {
        var row = Golden[index];
        var sequence = new SubmittedSequence(row.Prompt, row.Params with { MaxTokens = 100 }).Sequence;
        foreach (var token in row.Generated)
            sequence.Append(new SampledToken(token, Logprobs: null));

        var probabilities = new Sampler(row.Logits.Length).Probabilities(row.Logits, sequence.SamplingState);

        for (var token = 0; token < row.Logits.Length; token++)
        {
            probabilities[token].ShouldBe(row.Probabilities[token], 2e-6f, $"token {token}");
            (probabilities[token] > 5e-7f).ShouldBe(row.Probabilities[token] > 0, $"token {token}");
        }
    }

    private static Row[] Load([CallerFilePath] string source = "") =>
        JsonSerializer.Deserialize<Row[]>(File.ReadAllText(Path.Combine(Path.GetDirectoryName(source)!, "..", "Golden", "sampling.json")), Json)!;

    private sealed record Row(float[] Logits, int[] Prompt, int[] Generated, SamplingParams Params, float[] Probabilities);
}
