using System.Security.Cryptography;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Chat.Tools;

/// <summary>Detects a model's notation of calls, and creates parsers for it.</summary>
internal static class ToolCallParsers
{
    private const string Alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int MistralIdLength = 9;

    private static readonly (string Mark, ToolCallFormat Format)[] Marks =
    [
        ("<tool_call>", ToolCallFormat.Hermes),
        ("[TOOL_CALLS]", ToolCallFormat.Mistral),
        ("<|python_tag|>", ToolCallFormat.Llama3Json),
    ];

    /// <summary>The notation that the option --tool-call-parser names; null if it leaves that to the model's files.</summary>
    public static ToolCallFormat? Parse(string option) => option switch
    {
        "hermes" => ToolCallFormat.Hermes,
        "llama3_json" => ToolCallFormat.Llama3Json,
        "mistral" => ToolCallFormat.Mistral,
        _ => null,
    };

    /// <summary>The notation in which a template renders earlier calls, else one whose marker is a token; null if there is none.</summary>
    public static ToolCallFormat? Detect(string template, Tokenizer tokenizer)
    {
        // Qwen3-Coder uses the marker of Hermes around calls that are not JSON.
        if (template.Contains("<function=", StringComparison.Ordinal)) return null;
        foreach (var (mark, format) in Marks)
        {
            if (template.Contains(mark, StringComparison.Ordinal)) return format;
        }

        foreach (var (mark, format) in Marks)
        {
            if (tokenizer.TokenId(mark) is not null) return format;
        }

        return null;
    }

    /// <summary>Whether calls start with a special token, which must stay in the text for them to be found.</summary>
    public static bool HasSpecialMarker(ToolCallFormat format, Tokenizer tokenizer) =>
        tokenizer.TokenId(Marks.First(mark => mark.Format == format).Mark) is { } id && tokenizer.IsSpecial(id);

    /// <summary>A parser for one choice.</summary>
    /// <param name="format">The notation.</param>
    /// <param name="toolNames">Names of the request's tools.</param>
    /// <param name="isParallel">False keeps the first call alone.</param>
    public static ToolCallParser Create(ToolCallFormat format, IReadOnlySet<string> toolNames, bool isParallel)
    {
        var settings = new ToolCallSettings { ToolNames = toolNames, IsParallel = isParallel, NewId = () => NewId(format) };
        return new ToolCallParser(format switch
        {
            ToolCallFormat.Hermes => new HermesNotation(settings),
            ToolCallFormat.Llama3Json => new Llama3Notation(settings),
            _ => new MistralNotation(settings),
        });
    }

    // Mistral's templates reject ids of any other form in later requests.
    private static string NewId(ToolCallFormat format) => format == ToolCallFormat.Mistral
        ? RandomNumberGenerator.GetString(Alphanumeric, MistralIdLength)
        : $"call_{Guid.NewGuid():N}";
}
